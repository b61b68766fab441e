import type { Program } from "../program.ts";

/** `vaultra delete BACKUP…`. */
export function addDelete(program: Program): void {
  program.command("delete", "delete backups that are not pinned and that no other needs")
    .argument("<backups...>", "whole ids, or JOB/ID")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--yes", "answer yes to every question")
    .action(async (backups, options) => {
      await program.run(async (session) =>
        (await import("../actions/delete.ts")).deleteNamed(session, backups, options)
      );
    });
}
