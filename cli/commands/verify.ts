import type { Program } from "../program.ts";

/** `vaultra verify [BACKUP…]`. */
export function addVerify(program: Program): void {
  program.command("verify", "read backups whole and check every byte")
    .argument("[backups...]", "ids, beginnings of ids, or `latest`")
    .option("--store <address>", "a store of the configuration, a URL or a folder")
    .option("--job <job>", "only among this job's backups")
    .option("--all", "every backup")
    .action(async (backups, options) => {
      await program.run(async (session) =>
        (await import("../actions/verify.ts")).verify(session, backups, options)
      );
    });
}
