import type { Cost } from "./measure.ts";

/** Writes a line of a benchmark's report. */
export function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Writes what something costs, and how its wall time compares with another's. */
export function row(name: string, cost: Cost, against?: Cost, whose = "the peer's"): void {
  const ratio = against === undefined
    ? ""
    : `  ${(cost.wall / against.wall).toFixed(2)} × ${whose} wall time`;
  print(
    `  ${name.padEnd(42)} ${cost.wall.toFixed(2).padStart(6)} s  ${cost.cpu.toFixed(2).padStart(6)} CPU-s  ` +
      `${(cost.peak / 2 ** 20).toFixed(0).padStart(5)} MiB${ratio}`,
  );
}
