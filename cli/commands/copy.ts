import { BACKUP, JOB } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra copy BACKUP --to STORE`. */
export function addCopy(program: Program): void {
  program.command("copy", "copy a backup to another store, and verify its bytes on the way")
    .argument(...BACKUP)
    .requiredOption("--to <address>", "the store that is written: a name, a URL or a folder")
    .option("--store <address>", "the store that is read; default: whichever has the backup")
    .option(...JOB)
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/copy.ts")).copy(session, backup, options)
      );
    });
}
