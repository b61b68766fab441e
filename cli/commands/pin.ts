import type { Program } from "../program.ts";

/** `vaultra pin BACKUP`, `vaultra unpin BACKUP`. */
export function addPin(program: Program): void {
  program.command("pin", "keep a backup from being deleted")
    .argument("<backup>", "its id, the beginning of one, or `latest`")
    .option("--reason <text>", "why it is kept")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .action(async (backup, options) => {
      await program.run(async (session) => (await import("../actions/pin.ts")).pin(session, backup, options));
    });
  program.command("unpin", "take a backup's pin away")
    .argument("<backup>", "its id, the beginning of one, or `latest`")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .action(async (backup, options) => {
      await program.run(async (session) =>
        (await import("../actions/pin.ts")).unpin(session, backup, options)
      );
    });
}
