/**
 * Runs the real command line, under `deno run` and as the executable, as a person or a script would.
 *
 * @module
 */
import { join } from "node:path";
import { projectFolder } from "../../tools/child.ts";
import { pinnedDeno } from "../../tools/deno_versions.ts";

/** What a run left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How Vaultra is started. */
export interface Vaultra {
  /** `deno run` or `executable`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** How one run differs. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for standard input; default: none. */
  readonly stdin?: Uint8Array<ArrayBuffer>;
}

/** Vaultra under `deno run` with this version of Deno. */
export const fromSource: Vaultra = {
  name: "deno run",
  command: Deno.execPath(),
  args: [
    "run",
    "-A",
    "--quiet",
    `--config=${join(projectFolder, "deno.json")}`,
    join(projectFolder, "cli.ts"),
  ],
};

const binary = Deno.env.get("VAULTRA_TEST_BINARY");

/** The executable that `VAULTRA_TEST_BINARY` names, if it is set. */
export const executable: Vaultra | undefined = binary
  ? { name: "executable", command: binary, args: [] }
  : undefined;

/**
 * The ways to start Vaultra: from source and, on the Deno that the executable holds, as the executable. On another Deno
 * its tests would be the same once more. `VAULTRA_TEST_BINARY` names it; tools/test.ts builds it and sets that.
 * @throws {Error} Under CI the executable is missing.
 */
export function vaultras(): Vaultra[] {
  if (Deno.version.deno !== pinnedDeno) return [fromSource];
  if (executable !== undefined) return [fromSource, executable];
  if (Deno.env.get("CI") === "true") {
    throw new Error("VAULTRA_TEST_BINARY is not set: the executable is not tested");
  }
  return [fromSource];
}

/** Starts a run; the caller waits for it or signals it. */
export function start(
  vaultra: Vaultra,
  args: readonly string[],
  options: RunOptions = {},
): Deno.ChildProcess {
  return new Deno.Command(vaultra.command, {
    args: [...vaultra.args, ...args],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { DENO_TLS_CA_STORE: "mozilla,system", NO_COLOR: "", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs to the end. */
export async function run(
  vaultra: Vaultra,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = start(vaultra, args, options);
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    // A run that ends early closes its input: that is its right, and its exit code tells.
    await writer.write(options.stdin).then(() => writer.close()).catch(() => {});
  }
  return await outcome(child);
}

/** What a started run left behind. */
export async function outcome(child: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
