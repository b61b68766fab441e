import { addKeyOptions, collect } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra diff BACKUP BACKUP`. */
export function addDiff(program: Program): void {
  const command = program.command("diff", "tell what differs between two backups")
    .argument("<first>", "a backup's id, the beginning of one, or `latest`")
    .argument("<second>", "another backup")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .option("--second-store <address>", "where the second backup is, when it is elsewhere")
    .option("--second-job <job>", "the second backup's job, when it is another's")
    .option("--only <pattern>", "only these objects (repeatable)", collect)
    .option("--exclude <pattern>", "not these objects (repeatable)", collect);
  addKeyOptions(command)
    .action(async (first, second, options) => {
      await program.run(async (session) =>
        (await import("../actions/diff.ts")).diff(session, first, second, options)
      );
    });
}
