import { addKeyOptions, EXCLUDE, JOB, ONLY, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra diff BACKUP BACKUP`. */
export function addDiff(program: Program): void {
  const command = program.command("diff", "tell what differs between two backups")
    .argument("<first>", "a backup's id, the beginning of one, or `latest`")
    .argument("<second>", "another backup")
    .option(...STORE)
    .option(...JOB)
    .option("--second-store <address>", "where the second backup is, when it is elsewhere")
    .option("--second-job <job>", "the second backup's job, when it is another's")
    .option(...ONLY)
    .option(...EXCLUDE);
  addKeyOptions(command)
    .action(async (first, second, options) => {
      await program.run(async (session) =>
        (await import("../actions/diff.ts")).diff(session, first, second, options)
      );
    });
}
