import { addKeyOptions } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra show BACKUP`. */
export function addShow(program: Program): void {
  const command = program.command("show", "show what a backup holds")
    .argument("<backup>", "its id, the beginning of one, or `latest`")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .option("--objects", "list every object");
  addKeyOptions(command)
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/show.ts")).show(session, backup, options)
      );
    });
}
