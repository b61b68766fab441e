/**
 * Finds, reads and checks `vaultra.yaml`.
 *
 * @module
 */
import { posix, win32 } from "node:path";
import { VaultraError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";
import { explainIssues, type Finding, valueAt } from "./issues.ts";
import { configJsonSchema, type JsonSchema, knownKeys } from "./json_schema.ts";
import { pathText, type Problem, Problems } from "./problems.ts";
import { readText } from "./read_text.ts";
import { recipientPattern } from "./key_file.ts";
import { hasReferences } from "./references.ts";
import { configSchema } from "./schema.ts";
import { parseYaml } from "./yaml_document.ts";

/** The largest configuration, bytes. */
const MAX_CONFIG_BYTES = 1 << 20;

/** A configuration whose form was checked; references in it are not resolved yet. */
export interface ConfigFile {
  /** The path as it was given or found; problems name the file by it. */
  readonly name: string;
  /** Sections by store: an address, or a mapping with `url`. */
  readonly stores: Readonly<Record<string, unknown>>;
  /** Keys of age as they were written, by name. */
  readonly keys: Readonly<Record<string, { readonly recipient: string; readonly identity?: string }>>;
  /** How backups are signed and who is trusted, as it was written. */
  readonly signing: { readonly key?: string; readonly trusted?: readonly string[] };
  /** Jobs as they were written, by name, in the file's order. */
  readonly jobs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** A problem at a path of the file, with its line and column. */
  problem(path: readonly PropertyKey[], message: string, about?: "key" | "value"): Problem;
}

/** Where the process looks. */
export interface ConfigSearch {
  /** What `--config` named. */
  readonly path?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Default: this machine's. */
  readonly platform?: typeof Deno.build.os;
}

/** Where a configuration is looked for when none is named, in order. */
export function configPaths({ environment, platform = Deno.build.os }: ConfigSearch): string[] {
  const { isAbsolute, join } = platform === "windows" ? win32 : posix;
  const folder = (name: string) => {
    const path = environment[name];
    return path !== undefined && isAbsolute(path) ? path : undefined;
  };
  const home = folder("HOME");
  const folders = platform === "windows"
    ? [folder("APPDATA"), folder("ProgramData") ?? folder("PROGRAMDATA")]
    : [folder("XDG_CONFIG_HOME") ?? (home && join(home, ".config")), "/etc"];
  return [
    "vaultra.yaml",
    ...folders.filter((path) => path !== undefined).map((path) => join(path, "vaultra", "vaultra.yaml")),
  ];
}

/**
 * Reads the configuration that `--config` names, else `VAULTRA_CONFIG`, else the first of {@linkcode configPaths}
 * that exists; `undefined` when there is none.
 *
 * @throws {VaultraError} `config.not-found` for a named file that is absent, `config.unreadable`, `config.invalid`.
 */
export async function loadConfig(search: ConfigSearch): Promise<ConfigFile | undefined> {
  const named = search.path ?? search.environment["VAULTRA_CONFIG"];
  if (named) return parseConfig(await readConfig(named), named);
  for (const path of configPaths(search)) {
    try {
      return parseConfig(await readConfig(path), path);
    } catch (error) {
      if (!(error instanceof VaultraError && error.code === "config.not-found")) throw error;
    }
  }
  return undefined;
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readText(path, MAX_CONFIG_BYTES);
  } catch (error) {
    if (!(error instanceof VaultraError)) throw error;
    throw new VaultraError(error.code, `Cannot read the configuration: ${error.message}`, {
      hint: "Name another file with --config or VAULTRA_CONFIG.",
      cause: error.cause,
    });
  }
}

/**
 * Parses a configuration and checks its form: every key known, every value of its kind, every store that a job
 * names there. What a reference stands for is checked when the job is used.
 *
 * @param name How problems name the file.
 * @throws {VaultraError} `config.invalid` with every problem.
 */
export function parseConfig(text: string, name: string): ConfigFile {
  const { value, locate } = parseYaml(text, name);
  const problems = new Problems();
  const problem: ConfigFile["problem"] = (path, message, about = "value") => {
    const at = locate(path, about);
    return { place: `${name}:${at.line}:${at.column}`, ...at, path: pathText(path), message };
  };
  if (value === null) {
    problems.add(problem([], "the file is empty; it must begin with `version: 1`"));
    problems.throwIfAny();
  }
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const schema = lazy(configJsonSchema);
    const context = { value, at: [], knownKeys: (path: readonly PropertyKey[]) => knownKeys(schema(), path) };
    for (const finding of explainIssues(result.error.issues, context)) {
      if (!isDeferred(finding, value)) problems.add(problem(finding.path, finding.message, finding.about));
    }
  }
  const section = <Shape>(key: string): Shape => {
    const inner = valueAt(value, [key]);
    return (typeof inner === "object" && inner !== null ? inner : {}) as Shape;
  };
  const file: ConfigFile = {
    name,
    stores: section("stores"),
    keys: section("keys"),
    signing: section("signing"),
    jobs: section("jobs"),
    problem,
  };
  checkNames(file, problems);
  problems.throwIfAny();
  return file;
}

function lazy(make: () => JsonSchema): () => JsonSchema {
  let made: JsonSchema | undefined;
  return () => made ??= make();
}

/** Whether only the value behind a reference can tell. */
function isDeferred({ path, kind, about }: Finding, value: unknown): boolean {
  const text = valueAt(value, path);
  return !kind && about === "value" && typeof text === "string" && hasReferences(text);
}

/** Checks what stands in two places: stores and keys by name, names that one file system takes for the same. */
function checkNames(file: ConfigFile, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const [name, job] of Object.entries(file.jobs)) {
    const other = seen.get(name.toLowerCase());
    if (other) {
      const message = `the name differs from "${other}" only in case, which some stores cannot tell apart`;
      problems.add(file.problem(["jobs", name], message, "key"));
    }
    seen.set(name.toLowerCase(), name);
    if (job === null || typeof job !== "object") continue;
    if ("store" in job && "stores" in job) {
      problems.add(file.problem(["jobs", name, "stores"], "only one of store and stores is allowed", "key"));
    }
    for (const path of [["store"], ["stores", "to", 0]]) {
      const store = valueAt(job, path);
      if (typeof store !== "string" || !isStoreName(store) || Object.hasOwn(file.stores, store)) continue;
      problems.add(file.problem(["jobs", name, ...path], noSuchStore(store, file)));
    }
    const recipients = valueAt(job, ["encryption", "to"]);
    for (const [index, recipient] of (Array.isArray(recipients) ? recipients : []).entries()) {
      if (typeof recipient !== "string" || hasReferences(recipient)) continue;
      const wrong = recipientProblem(recipient, file);
      if (wrong) problems.add(file.problem(["jobs", name, "encryption", "to", index], wrong));
    }
  }
}

/** Whether an address can only be a name of `stores`: no scheme, no path, no reference. */
export function isStoreName(address: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(address);
}

/** Says that no store has the name, and which was probably meant. */
export function noSuchStore(name: string, file: ConfigFile | undefined): string {
  const known = Object.keys(file?.stores ?? {});
  const meant = nearest(name, known);
  const more = meant
    ? `. Did you mean "${meant}"?`
    : known.length > 0
    ? `; there are ${known.join(", ")}`
    : ` ("./${name}" would be a folder)`;
  return `there is no store "${name.slice(0, 100)}"${more}`;
}

/** Why a text of `encryption.to` is neither a name of `keys` nor a recipient; `undefined` when it is one. */
export function recipientProblem(text: string, file: ConfigFile | undefined): string | undefined {
  const known = Object.keys(file?.keys ?? {});
  if (known.includes(text) || recipientPattern.test(text)) return undefined;
  if (/^AGE-SECRET-KEY-/i.test(text)) {
    return "a secret identity stands here: write the recipient that belongs to it, age1…";
  }
  if (text.startsWith("age1")) {
    return `"${text.slice(0, 100)}" is not a whole age recipient`;
  }
  const meant = nearest(text, known);
  const more = meant
    ? `. Did you mean "${meant}"?`
    : known.length > 0
    ? `; there are ${known.join(", ")}`
    : ": write an age recipient, age1…, or name it under `keys`";
  return `there is no key "${text.slice(0, 100)}"${more}`;
}
