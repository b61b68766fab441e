import { addKeyOptions, collect, DRY_RUN, type KeyOptions, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** The options of `vaultra key generate`. */
export interface KeyGenerateOptions {
  readonly signing?: boolean | undefined;
}

/** The options of `vaultra key rotate`. */
export interface KeyRotateOptions extends KeyOptions {
  readonly to: readonly string[];
  readonly all?: boolean | undefined;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** `vaultra key generate [FILE]`, `vaultra key rotate [BACKUP…]`. */
export function addKey(program: Program): void {
  const key = program.command("key", "make keys, and change who can open backups");
  key.command("generate").description("make a key that opens backups, or one that signs them")
    .argument("[file]", "the new file, or - for standard output; default: vaultra.key, vaultra-signing.pem")
    .option("--signing", "make an Ed25519 key that signs records")
    .action(async (file, options) => {
      await program.run(async (session) =>
        (await import("../actions/key_generate.ts")).keyGenerate(session, file, options)
      );
    });
  const rotate = key.command("rotate").description(
    "let other keys open backups that exist, in place of those of earlier rotations; no data is moved",
  )
    .argument("[backups...]", "their ids, the beginnings of them, or `latest`")
    .requiredOption("--to <key>", "an age recipient, or a name of `keys:` (repeatable)", collect)
    .option("--all", "all encrypted backups of the store")
    .option(...STORE)
    .option("--job <job>", "only this job's backups")
    .option(...DRY_RUN);
  addKeyOptions(rotate)
    .action(async (backups, options) => {
      await program.run(async (session) =>
        (await import("../actions/key_rotate.ts")).keyRotate(session, backups, options)
      );
    });
}
