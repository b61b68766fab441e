/**
 * Makes the executable: `deno task compile [--target TARGET] [--output FILE]`.
 *
 * It can read, write, reach the network and read the environment, but start no program and load no native library;
 * Workers get less. It never asks for a permission, makes no code from strings, and keeps no code cache in the
 * temporary folder (whose names can be guessed).
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder, runChild, runTool, say } from "./child.ts";
import { denoOfVersion, pinnedDeno } from "./deno_versions.ts";
import { findDenort } from "./denort.ts";
import { fileTarget, hostTarget, type Target, targets } from "./executable_target.ts";
import { namedModules } from "./named_modules.ts";
import { isTest, projectFiles } from "./project_files.ts";

const flags = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
  "--unstable-worker-options",
  "--v8-flags=--disallow-code-generation-from-strings,--max-semi-space-size=8",
  "--no-code-cache",
  // Types are checked by `deno task ok`; what is packed is exactly what deno.lock names.
  "--no-check",
  "--frozen",
];

/** What {@linkcode compile} makes. */
export interface CompileOptions {
  /** The program's entry; `cli.ts` unless set. */
  readonly entry?: string;
  /** The system and processor to build for; this machine's unless set. */
  readonly target?: Target;
  /** The file to write; `dist/vaultra`, with `.exe` for Windows, unless set. */
  readonly output?: string;
}

/**
 * Builds the executable and gives its path.
 *
 * @throws {Error} when it cannot be built, or was built for another machine than asked for
 */
export async function compile(options: CompileOptions = {}): Promise<string> {
  const target = options.target ?? hostTarget();
  if (target === undefined) {
    throw new Error(`Cannot compile for this machine: name one of ${targets.join(", ")} with --target`);
  }
  const output = options.output ??
    join(projectFolder, "dist", target.includes("windows") ? "vaultra.exe" : "vaultra");
  // A build for a named target is one to hand out: it takes DENORT_BIN or Deno's own runtime, never the one from npm.
  const denort = options.target === undefined ? await findDenort() : Deno.env.get("DENORT_BIN");
  // With DENORT_BIN, Deno uses that file for every target and says nothing.
  if (denort !== undefined) await requireTarget(denort, target, "Cannot compile with the runtime");

  // Built beside its place and moved there when it is right: a failure keeps the executable that was there before.
  await Deno.mkdir(dirname(output), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: dirname(output), prefix: ".build-" });
  try {
    const built = join(folder, basename(output));
    const { code } = await runChild(
      await denoOfVersion(pinnedDeno),
      [
        "compile",
        "--quiet",
        ...flags,
        // Also for an entry outside the project, which is not where Deno would look for it.
        "--config",
        join(projectFolder, "deno.json"),
        ...await includes(),
        "--target",
        target,
        "--output",
        built,
        options.entry ?? "cli.ts",
      ],
      { env: denort === undefined ? {} : { DENORT_BIN: denort } },
    );
    if (code !== 0) throw new Error(`Cannot compile for "${target}": deno compile ended with code ${code}`);
    await requireTarget(built, target, "Cannot keep the executable");
    await Deno.rename(built, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return output;
}

/** Workers and plugins are named by URL, so `deno compile` does not see that they belong to the program. */
async function includes(): Promise<string[]> {
  const files = (await projectFiles()).filter((file) => !isTest(file) && !/^(tests|tools)\//.test(file));
  const named = new Set((await Promise.all(files.map((file) => namedModules(file)))).flat());
  return [...named].sort().flatMap((file) => ["--include", file]);
}

async function requireTarget(file: string, target: Target, problem: string): Promise<void> {
  const found = await fileTarget(file);
  if (found !== target) {
    throw new Error(`${problem} "${file}": it is for ${found ?? "no known machine"}, not ${target}`);
  }
}

function isTarget(name: string): name is Target {
  return targets.some((target) => target === name);
}

if (import.meta.main) {
  await runTool(async () => {
    const { values } = parseArgs({ options: { target: { type: "string" }, output: { type: "string" } } });
    const { target, output } = values;
    if (target !== undefined && !isTarget(target)) {
      throw new Error(`Cannot compile for "${target}": use one of ${targets.join(", ")}`);
    }
    const file = await compile({
      ...(target !== undefined && { target }),
      ...(output !== undefined && { output }),
    });
    say(`${file}: ${((await Deno.stat(file)).size / 1e6).toFixed(1)} MB`);
  });
}
