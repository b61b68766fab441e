import { parseArgs } from "node:util";

/** What a benchmark is told. */
export interface BenchSettings {
  /** Of the database, in MB: `--size`, default 1000. */
  readonly megabytes: number;
  /** `--rounds`, default 5. */
  readonly rounds: number;
  /** The executable that is measured. */
  readonly binary: string;
}

/**
 * Reads what `deno task bench` was told.
 * @param name The benchmark's.
 * @throws {Error} when it was started otherwise
 */
export function benchSettings(name: string): BenchSettings {
  const { values } = parseArgs({
    args: Deno.args,
    options: { size: { type: "string", default: "1000" }, rounds: { type: "string", default: "5" } },
  });
  const binary = Deno.env.get("VAULTRA_TEST_BINARY");
  if (binary === undefined) throw new Error(`Start it with: deno task bench ${name}`);
  return { megabytes: Number(values.size), rounds: Number(values.rounds), binary };
}
