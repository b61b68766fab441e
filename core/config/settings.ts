/**
 * What flags and the environment may set of a job: flag over environment over file over default.
 *
 * @module
 */
import { nearest } from "../text/nearest.ts";
import { laterJobKeys, laterKey } from "./later_keys.ts";
import type { Problem } from "./problems.ts";

/** The flags of a job, named as the command line's option parser names them; each wins over everything else. */
export interface JobFlags {
  /** The store: a name, an address or a folder. */
  readonly to?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly excludeData?: readonly string[] | undefined;
  readonly compression?: string | undefined;
  /** `encryption.to`: names of keys, recipients. */
  readonly recipient?: readonly string[] | undefined;
  /** `encryption.passphrase` itself, without references. Secret. */
  readonly passphrase?: string | undefined;
  readonly proof?: string | undefined;
  readonly parallel?: number | undefined;
  readonly label?: string | undefined;
  /** `limits.lock-wait`, as in the file: `10s`. */
  readonly lockTimeout?: string | undefined;
  /** `limits.timeout`, as in the file: `6h`. */
  readonly timeout?: string | undefined;
}

/** One setting: its place in a job, what the text of its variable is, and its flag. */
interface Setting {
  readonly path: readonly [string] | readonly ["limits" | "encryption", string];
  readonly kind: "text" | "list" | "number";
  readonly flag?: keyof JobFlags;
}

const settings: readonly Setting[] = [
  { path: ["database"], kind: "text" },
  { path: ["store"], kind: "text", flag: "to" },
  { path: ["only"], kind: "list", flag: "only" },
  { path: ["exclude"], kind: "list", flag: "exclude" },
  { path: ["exclude-data"], kind: "list", flag: "excludeData" },
  { path: ["compression"], kind: "text", flag: "compression" },
  { path: ["encryption", "to"], kind: "list", flag: "recipient" },
  { path: ["encryption", "passphrase"], kind: "text" },
  { path: ["proof"], kind: "text", flag: "proof" },
  { path: ["parallel"], kind: "number", flag: "parallel" },
  { path: ["label"], kind: "text", flag: "label" },
  { path: ["limits", "lock-wait"], kind: "text", flag: "lockTimeout" },
  { path: ["limits", "writer-pause"], kind: "text" },
  { path: ["limits", "log-growth"], kind: "text" },
  { path: ["limits", "timeout"], kind: "text", flag: "timeout" },
];

/** Variables of Vaultra's own that set no key of a job. */
const globalVariables: readonly string[] = [
  "VAULTRA_CONFIG",
  "VAULTRA_IDENTITY_FILE",
  "VAULTRA_PASSPHRASE_FILE",
];

/** Variables that begin so are for Vaultra's own tests, whose runs inherit them. */
const testPrefix = "VAULTRA_TEST_";

/** A job before validation, and who set what over the file. */
export interface LayeredJob {
  readonly value: Readonly<Record<string, unknown>>;
  /** The flag (`--to`) or variable (`VAULTRA_ORDERS_STORE`) that set the value at a path, if one did. */
  origin(path: readonly PropertyKey[]): string | undefined;
}

/** The environment variable of a job's setting: `VAULTRA_ORDERS_LIMITS_LOCK_WAIT`. */
function variableName(job: string, path: readonly string[]): string {
  return ["VAULTRA", job, ...path].join("_").toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** Lays environment and flags over a job as the file has it; the file's own value is not changed. */
export function layerJob(
  name: string,
  written: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>>,
  flags: JobFlags,
): LayeredJob {
  const value: Record<string, unknown> = { ...written };
  const origins = new Map<string, string>();
  // The keys of `encryption` exclude each other: the strongest layer that says one of them says all.
  const flagged = flags.recipient !== undefined || flags.passphrase !== undefined;
  if (
    flagged ||
    settings.some(({ path }) =>
      path[0] === "encryption" && Object.hasOwn(environment, variableName(name, path))
    )
  ) {
    delete value["encryption"];
  }
  for (const setting of settings) {
    const variable = variableName(name, setting.path);
    const text = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
    const flag = setting.flag && flags[setting.flag];
    if (flag === undefined && (text === undefined || (flagged && setting.path[0] === "encryption"))) continue;
    set(value, setting.path, flag ?? fromText(text!, setting.kind));
    const origin = flag === undefined ? variable : `--${kebab(setting.flag!)}`;
    origins.set(setting.path.join("."), origin);
    if (setting.path[0] === "encryption") origins.set("encryption", origin);
  }
  return {
    value,
    origin: (path) => origins.get(path.slice(0, 2).join(".")) ?? origins.get(String(path[0])),
  };
}

function set(job: Record<string, unknown>, path: Setting["path"], value: unknown): void {
  const [key, inner] = path;
  if (key === "store") delete job["stores"];
  job[key] = inner === undefined
    ? value
    : { ...job[key] as Record<string, unknown> | undefined, [inner]: value };
}

function fromText(text: string, kind: Setting["kind"]): unknown {
  if (kind === "number") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (kind === "text") return text;
  // Commas divide patterns, but not inside the double quotes of a quoted part.
  return (text.match(/(?:"[^"]*"|[^,"]|")+/g) ?? []).map((pattern) => pattern.trim());
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Problems of the environment: a variable that begins with `VAULTRA_` and sets nothing is a slip of the pen that
 * would go unseen, one that two jobs share is ambiguous.
 *
 * @param jobs The names of all jobs.
 * @param referenced Variables that the configuration refers to.
 */
export function environmentProblems(
  jobs: readonly string[],
  environment: Readonly<Record<string, string>>,
  referenced: ReadonlySet<string>,
): Problem[] {
  const setters = new Map<string, string[]>();
  const later = new Map<string, string>();
  for (const job of jobs) {
    for (const { path } of settings) {
      const variable = variableName(job, path);
      setters.set(variable, [...setters.get(variable) ?? [], `${job}.${path.join(".")}`]);
    }
    for (const key of laterJobKeys) later.set(variableName(job, [key]), laterKey(["jobs", job], key)!);
  }
  const problems: Problem[] = [];
  for (const variable of Object.keys(environment).sort()) {
    if (!variable.startsWith("VAULTRA_") || variable.startsWith(testPrefix)) continue;
    if (globalVariables.includes(variable) || referenced.has(variable)) continue;
    const keys = setters.get(variable);
    if (keys?.length === 1) continue;
    const meant = nearest(variable, [...setters.keys(), ...globalVariables]);
    const message = keys
      ? `it could set ${keys.join(" or ")}: rename one of the jobs`
      : later.get(variable) ?? `this variable sets nothing${meant ? `. Did you mean "${meant}"?` : ""}`;
    problems.push({ place: variable, path: "", message });
  }
  return problems;
}
