import { STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra unlock JOB`. */
export function addUnlock(program: Program): void {
  program.command("unlock", "remove the lock that a dead run of a job left")
    .argument("<job>", "the job's name")
    .option(...STORE)
    .option("--dry-run", "say who holds the lock, and do nothing")
    .option("--yes", "remove it though its holder may live")
    .action(async (job, options) => {
      await program.run(async (session) =>
        (await import("../actions/unlock.ts")).unlock(session, job, options)
      );
    });
}
