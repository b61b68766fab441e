import { Option } from "@commander-js/extra-typings";
import { addKeyOptions, BACKUP, JOB, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra cat BACKUP OBJECT`. */
export function addCat(program: Program): void {
  const command = program.command("cat", "write the rows of one table of a backup to standard output")
    .argument(...BACKUP)
    .argument("<object>", "the table's name, as `vaultra show --objects` tells it")
    .addOption(
      new Option("--as <form>", "csv (default), json: an object a line, or raw").choices([
        "csv",
        "json",
        "raw",
      ]),
    )
    .option(...STORE)
    .option(...JOB);
  addKeyOptions(command)
    .action(async (backup, object, options) => {
      await program.run(async (session) =>
        (await import("../actions/cat.ts")).cat(session, backup, object, options)
      );
    });
}
