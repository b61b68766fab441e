import { DRY_RUN, JOB, STORE, YES } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra delete BACKUP…`. */
export function addDelete(program: Program): void {
  program.command("delete", "delete backups that are not pinned and that no other needs")
    .argument("<backups...>", "whole ids, or JOB/ID")
    .option(...STORE)
    .option(...JOB)
    .option(...DRY_RUN)
    .option(...YES)
    .action(async (backups, options) => {
      await program.run(async (session) =>
        (await import("../actions/delete.ts")).deleteNamed(session, backups, options)
      );
    });
}
