/**
 * Running programs for a benchmark: wall time, processor time and peak memory.
 *
 * @module
 */

/** What one run cost. */
export interface Cost {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of all processors, user and system. */
  readonly cpu: number;
  /** Bytes. */
  readonly peak: number;
}

/**
 * Runs a program to its end and measures it with `/proc`, polled every 10 ms.
 * @throws {Error} The program failed.
 */
export async function run(program: string, args: readonly string[]): Promise<Cost> {
  const started = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  let [peak, cpu] = [0, 0];
  const watch = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
      const fields = Deno.readTextFileSync(`/proc/${child.pid}/stat`).split(") ")[1]!.split(" ");
      cpu = (Number(fields[11]) + Number(fields[12])) / 100;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }, 10);
  const { success, stderr } = await output;
  clearInterval(watch);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return { wall: (performance.now() - started) / 1000, cpu, peak };
}

/** Costs of programs that ran one after the other. */
export function together(...costs: readonly Cost[]): Cost {
  return {
    wall: costs.reduce((sum, cost) => sum + cost.wall, 0),
    cpu: costs.reduce((sum, cost) => sum + cost.cpu, 0),
    peak: Math.max(...costs.map((cost) => cost.peak)),
  };
}

/** The run with the median wall time. */
export function median(costs: readonly Cost[]): Cost {
  return [...costs].sort((a, b) => a.wall - b.wall)[Math.floor(costs.length / 2)]!;
}
