import { Option } from "@commander-js/extra-typings";
import type { JobFlags } from "../../core/config/settings.ts";
import { collect, DRY_RUN, EXCLUDE, ONLY, positiveInteger } from "../options.ts";
import type { Program } from "../program.ts";

/** The options of `vaultra backup`. */
export interface BackupOptions extends Omit<JobFlags, "passphrase"> {
  /** Asks for it. */
  readonly passphrase?: boolean | undefined;
  readonly passphraseFile?: string | undefined;
  readonly db?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** `vaultra backup [JOB…]`. */
export function addBackup(program: Program): void {
  program.command("backup", "back up databases")
    .argument("[jobs...]", "jobs of the configuration; default: all")
    .option("--db <address>", "a database's URL, or an engine whose one job is meant, instead of jobs")
    .option("--to <address>", "a store of the configuration, a URL or a folder")
    .option(...ONLY)
    .option(...EXCLUDE)
    .option("--exclude-data <pattern>", "of these objects only the schema (repeatable)", collect)
    .option("--compression <codec>", "zstd[:level], gzip[:level] or none")
    .option("--recipient <key>", "encrypt: an age recipient, or a name of `keys:` (repeatable)", collect)
    .option("--passphrase-file <file>", "encrypt with the passphrase that a file holds")
    .option("--passphrase", "encrypt with a passphrase that is asked for")
    .addOption(
      new Option("--proof <level>", "what the backup proves of itself").choices(["none", "rows", "content"]),
    )
    .option("--label <text>", "a note that the backup carries")
    .option("--parallel <n>", "connections to the database", positiveInteger)
    .option("--lock-timeout <time>", "longest wait for a lock, such as 10s")
    .option("--timeout <time>", "longest time for all, such as 6h")
    .option(...DRY_RUN)
    .action(async (jobs, options) => {
      await program.run(async (session) =>
        (await import("../actions/backup.ts")).backup(session, jobs, options)
      );
    });
}
