import type { Program } from "../program.ts";

/** `vaultra doctor [JOB…]`. */
export function addDoctor(program: Program): void {
  program.command("doctor", "check databases and stores, and say how to mend what is wrong")
    .argument("[jobs...]", "jobs of the configuration; default: all")
    .option("--db <address>", "a database's URL instead of a job")
    .option("--to <address>", "a store's URL or a folder, with --db")
    .action(async (jobs, options) => {
      await program.run(async (session) =>
        (await import("../actions/doctor.ts")).doctor(session, jobs, options)
      );
    });
}
