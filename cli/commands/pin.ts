import { BACKUP, JOB, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra pin BACKUP`, `vaultra unpin BACKUP`. */
export function addPin(program: Program): void {
  program.command("pin", "keep a backup from being deleted")
    .argument(...BACKUP)
    .option("--reason <text>", "why it is kept")
    .option(...STORE)
    .option(...JOB)
    .action(async (backup, options) => {
      await program.run(async (session) => (await import("../actions/pin.ts")).pin(session, backup, options));
    });
  program.command("unpin", "take a backup's pin away")
    .argument(...BACKUP)
    .option(...STORE)
    .option(...JOB)
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/pin.ts")).unpin(session, backup, options)
      );
    });
}
