/**
 * Checks that dependencies point one way, `cli → core → (interfaces) ← adapters, stores, plugins`, as
 * docs/architecture.md rules: `deno run -A tools/layers.ts`.
 *
 * The import graph comes from Deno itself, so that it is the one that runs.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { projectFolder, runDeno, runTool, say } from "./child.ts";
import { namedModules } from "./named_modules.ts";
import { isTest, projectFiles } from "./project_files.ts";

/** One import of a file. */
export interface Import {
  /** The importing file, relative to the project's folder. */
  readonly from: string;
  /** What is imported: a file relative to the project's folder, or `npm:name`, or `node:name`. */
  readonly to: string;
  /** Whether the import is for types alone, which vanish when the program runs. */
  readonly typesOnly: boolean;
  /** Whether it is loaded while the program runs, by `import()`. */
  readonly lazy: boolean;
}

/** Which areas a file of an area may import, besides its own. `cli.ts` and `mod.ts` are areas of their own. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "core": [],
  "adapters": ["core"],
  "stores": ["core"],
  "plugins": ["core"],
  "plugins/builtin.ts": ["core", "adapters", "stores", "plugins"],
  "cli": ["core", "plugins", "plugins/builtin.ts"],
  "cli.ts": ["core", "cli", "plugins", "plugins/builtin.ts"],
  "mod.ts": ["core", "plugins", "plugins/builtin.ts"],
};

/** Modules with one home: nothing outside these areas may import them. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "node:sqlite": ["adapters/sqlite"],
  "node:child_process": [],
  "npm:age-encryption": ["core"],
  "npm:libsodium": ["core/age"],
  "npm:commander": ["cli"],
  "npm:@commander-js/extra-typings": ["cli"],
  "npm:@clack/prompts": ["cli"],
  "npm:@bomb.sh/tab": ["cli"],
  "npm:cli-table3": ["cli"],
};

/** The two tools that a machine with nothing but npm starts: no package can be read before they ran. */
const withoutPackages = ["tools/test.ts", "tools/demo.ts"];

/** Names every import that breaks a rule, one sentence each. */
export function findViolations(imports: readonly Import[]): string[] {
  const violations = imports.flatMap((each) => {
    const reason = violation(each);
    return reason === undefined ? [] : [`${each.from} imports ${each.to}: ${reason}`];
  });
  for (const tool of withoutPackages) {
    for (const file of reached(tool, imports)) {
      const npm = imports.find((each) => each.from === file && !each.typesOnly && each.to.startsWith("npm:"));
      if (npm !== undefined) {
        violations.push(`${file} imports ${npm.to}: ${tool} must start without any package`);
      }
    }
  }
  return violations;
}

function violation({ from, to, typesOnly, lazy }: Import): string | undefined {
  if (isTest(from) || ["tests", "tools"].includes(areaOf(from))) return undefined;
  const home = homes[to];
  if (home !== undefined && !home.some((area) => from.startsWith(`${area}/`))) {
    return home.length === 0 ? "the program starts no other program" : `only ${home.join(", ")} may`;
  }
  const area = areaOf(from);
  if (to.startsWith("npm:")) {
    const driver = (area === "adapters" || area === "stores") && !typesOnly && !lazy && to !== "npm:zod";
    return driver ? "a driver is loaded by import() inside open()" : undefined;
  }
  if (to.startsWith("node:") || to === "deno.json") return undefined;
  if (isTest(to)) return "a test is no module";
  const target = areaOf(to);
  if (target === area) {
    const [mine, theirs] = [memberOf(from), memberOf(to)];
    const apart = ["adapters", "stores", "plugins"].includes(area) && mine !== theirs;
    return apart ? `${area} import core, never each other` : undefined;
  }
  const rule = allowed[area];
  if (rule === undefined) return `"${area}" is no part of the layout`;
  return rule.includes(target)
    ? undefined
    : `${area} may import ${rule.join(", ") || "nothing of ours but itself"}`;
}

function areaOf(path: string): string {
  return path === "plugins/builtin.ts" ? path : path.split("/")[0] ?? path;
}

function memberOf(path: string): string | undefined {
  return path.split("/")[1];
}

function reached(start: string, imports: readonly Import[]): Set<string> {
  const files = new Set([start]);
  for (const file of files) {
    for (const { from, to, typesOnly } of imports) {
      if (from === file && !typesOnly && to.endsWith(".ts")) files.add(to);
    }
  }
  return files;
}

/** Reads the imports of every TypeScript file of the project in `root`, and the modules it names for Workers. */
export async function readImports(root = projectFolder): Promise<Import[]> {
  const files = await projectFiles("", root);
  const scratch = await Deno.makeTempDir();
  try {
    const entry = join(scratch, "all.ts");
    await Deno.writeTextFile(
      entry,
      files.map((file) => `import ${JSON.stringify(urlOf(root, file))};\n`).join(""),
    );
    const { code, output } = await runDeno(
      ["info", "--json", "--no-lock", "--config", join(root, "deno.json"), entry],
      { cwd: root, stdout: "captured", env: { NO_COLOR: "1" } },
    );
    if (code !== 0) throw new Error(`Cannot read the import graph: deno info ended with code ${code}`);
    const graph = JSON.parse(output) as ModuleGraph;
    const own = new Set(files);
    const imports = graph.modules.flatMap((module) => {
      const from = relative(root, module.specifier);
      if (!own.has(from)) return [];
      return (module.dependencies ?? []).map((dependency): Import => ({
        from,
        to: nameOf(root, dependency),
        typesOnly: dependency.code === undefined,
        lazy: dependency.isDynamic === true,
      }));
    });
    return [...imports, ...(await Promise.all(files.map((file) => workerImports(root, file)))).flat()];
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

interface ModuleGraph {
  readonly modules: readonly { readonly specifier: string; readonly dependencies?: readonly Dependency[] }[];
}

interface Dependency {
  readonly specifier: string;
  readonly isDynamic?: boolean;
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

function nameOf(root: string, dependency: Dependency): string {
  const resolved = dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier;
  const npm = /^npm:\/?(@[^/]+\/[^@/]+|[^@/]+)/.exec(resolved);
  return npm === null ? relative(root, resolved) : `npm:${npm[1]}`;
}

async function workerImports(root: string, from: string): Promise<Import[]> {
  const named = await namedModules(from, root);
  return named.map((to) => ({ from, to, typesOnly: false, lazy: true }));
}

function urlOf(root: string, file: string): string {
  return pathToFileURL(join(root, file)).href;
}

function relative(root: string, specifier: string): string {
  if (!specifier.startsWith("file:")) return specifier;
  const base = pathToFileURL(join(root, "/")).href;
  return specifier.startsWith(base)
    ? decodeURIComponent(specifier.slice(base.length))
    : fileURLToPath(specifier);
}

if (import.meta.main) {
  await runTool(async () => {
    const imports = await readImports();
    const violations = findViolations(imports);
    for (const sentence of violations) say(sentence);
    if (violations.length > 0) throw new Error(`${violations.length} imports break the layers`);
    say(`Checked ${imports.length} imports`);
  });
}
