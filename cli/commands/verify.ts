import { InvalidArgumentError } from "@commander-js/extra-typings";
import { addKeyOptions, JOB, type KeyOptions, STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** The options of `vaultra verify`. */
export interface VerifyOptions extends KeyOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly all?: boolean | undefined;
  readonly quick?: boolean | undefined;
  /** Percent of the parts. */
  readonly sample?: number | undefined;
  readonly full?: boolean | undefined;
  readonly seed?: string | undefined;
}

/** `vaultra verify [BACKUP…]`. */
export function addVerify(program: Program): void {
  const command = program.command("verify", "check that backups are whole")
    .argument("[backups...]", "ids, beginnings of ids, or `latest`")
    .option(...STORE)
    .option(...JOB)
    .option("--all", "every backup")
    .option("--quick", "what archives say of themselves: record, manifest, index")
    .option(
      "--sample <percent>",
      "that, and a share of every object's parts, chosen at random, such as 5%",
      percent,
    )
    .option("--full", "every byte (default)")
    .option("--seed <hex>", "take the sample again that told this seed", seed);
  addKeyOptions(command)
    .action(async (backups, options) => {
      await program.run(async (session) =>
        (await import("../actions/verify.ts")).verify(session, backups, options)
      );
    });
}

/** `5%` or `5`: above 0 and up to 100. */
function percent(value: string): number {
  const number = /^\d+(\.\d+)?%?$/.test(value) ? parseFloat(value) : 0;
  if (number > 0 && number <= 100) return number;
  throw new InvalidArgumentError("It must be a number above 0 and up to 100, such as 5%.");
}

function seed(value: string): string {
  if (/^[0-9a-f]{8}$/i.test(value)) return value.toLowerCase();
  throw new InvalidArgumentError("It must be the eight hexadecimal digits that a sample told.");
}
