import { addKeyOptions, EXCLUDE, ifExists, JOB, type KeyOptions, ONLY, STORE, YES } from "../options.ts";
import type { Program } from "../program.ts";

/** The options of `vaultra salvage`. */
export interface SalvageOptions extends KeyOptions {
  readonly to?: string | undefined;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly only?: string[] | undefined;
  readonly exclude?: string[] | undefined;
  readonly ifExists?: "fail" | "replace" | "append" | undefined;
  readonly yes?: boolean | undefined;
}

/** `vaultra salvage ARCHIVE`. */
export function addSalvage(program: Program): void {
  const command = program.command("salvage", "list or restore what is whole of a cut or damaged archive")
    .argument("<archive>", "an archive's address, a backup's id, or - for standard input")
    .option("--to <address>", "restore what is whole to this database, or to sql:FILE or sql:-")
    .option(...STORE)
    .option(...JOB)
    .option(...ONLY)
    .option(...EXCLUDE)
    .addOption(ifExists())
    .option(...YES);
  addKeyOptions(command).action(async (archive, options) => {
    await program.run(async (session) =>
      (await import("../actions/salvage.ts")).salvage(session, archive, options)
    );
  });
}
