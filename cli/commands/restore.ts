import { Option } from "@commander-js/extra-typings";
import {
  addKeyOptions,
  DRY_RUN,
  EXCLUDE,
  ifExists,
  JOB,
  type KeyOptions,
  ONLY,
  STORE,
  YES,
} from "../options.ts";
import type { Program } from "../program.ts";

/** The options of `vaultra restore`. */
export interface RestoreOptions extends KeyOptions {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly only?: string[] | undefined;
  readonly exclude?: string[] | undefined;
  readonly schemaOnly?: boolean | undefined;
  readonly dataOnly?: boolean | undefined;
  readonly ifExists?: "fail" | "replace" | "append" | undefined;
  readonly proof?: "none" | "rows" | "content" | undefined;
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** `vaultra restore [BACKUP]`. */
export function addRestore(program: Program): void {
  const command = program.command("restore", "restore a backup, whole or in part")
    .argument("[backup]", "its id, the beginning of one, or `latest`")
    .option("--from <address>", "an archive's address, a backup's id, or - for standard input")
    .option("--to <address>", "the target database's URL, or sql:FILE, or sql:- for a script")
    .option(...STORE)
    .option(...JOB)
    .option(...ONLY)
    .option(...EXCLUDE)
    .option("--schema-only", "no rows")
    .option("--data-only", "no schema")
    .addOption(ifExists())
    .addOption(
      new Option("--proof <level>", "how the result is compared").choices(["none", "rows", "content"]),
    )
    .option(...DRY_RUN)
    .option(...YES);
  addKeyOptions(command)
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/restore.ts")).restore(session, backup, options)
      );
    });
}
