import { addKeyOptions, BACKUP, JOB, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra show BACKUP`. */
export function addShow(program: Program): void {
  const command = program.command("show", "show what a backup holds")
    .argument(...BACKUP)
    .option(...STORE)
    .option(...JOB)
    .option("--objects", "list every object");
  addKeyOptions(command)
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/show.ts")).show(session, backup, options)
      );
    });
}
