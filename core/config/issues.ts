/**
 * The issues of a schema in the words of a person who reads his own file.
 *
 * @module
 */
import type { SchemaIssue } from "../plugin.ts";
import { nearest } from "../text/nearest.ts";
import { laterKey } from "./later_keys.ts";
import { isSecretPath, maskAddress } from "./mask.ts";

/** A problem that has no place yet. */
export interface Finding {
  /** From the root of what was validated. */
  readonly path: readonly PropertyKey[];
  /** Whether the key is at fault, or its value. */
  readonly about: "key" | "value";
  /** Whether a value of another kind than expected stands there, or none. */
  readonly kind: boolean;
  readonly message: string;
}

/** What an issue of zod tells besides its message; issues of other libraries have only that. */
interface ZodIssue {
  readonly code?: string;
  readonly path?: SchemaIssue["path"];
  readonly message: string;
  readonly expected?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly errors?: readonly (readonly ZodIssue[])[];
  readonly issues?: readonly ZodIssue[];
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
}

/** What the issues are about. */
export interface IssueContext {
  /** What was validated. */
  readonly value: unknown;
  /** The keys that the mapping at a path may have. */
  knownKeys(path: readonly PropertyKey[]): readonly string[];
  /** Where the validated value stands in the file; later keys are told by it. */
  readonly at: readonly PropertyKey[];
}

/** Messages that zod makes itself when a schema has none of its own. */
const zodMessage = /^(Invalid |Unrecognized |Too (small|big)\b)/;

/** Explains issues, one or more findings each. */
export function explainIssues(issues: readonly SchemaIssue[], context: IssueContext): Finding[] {
  return issues.flatMap((issue) => explain(issue as ZodIssue, [], context));
}

function explain(issue: ZodIssue, above: readonly PropertyKey[], context: IssueContext): Finding[] {
  const path = [...above, ...(issue.path ?? []).map((part) => typeof part === "object" ? part.key : part)];
  const value = valueAt(context.value, path);
  const finding = (message: string, about: "key" | "value" = "value"): Finding[] => [
    { path, about, kind: issue.code === "invalid_type", message },
  ];
  const got = `got ${shown(value, path)}`;

  if (issue.code === "unrecognized_keys") {
    return (issue.keys ?? []).map((key) => ({
      path: [...path, key],
      about: "key",
      kind: false,
      message: unknownKey(path, key, context),
    }));
  }
  if (issue.code === "invalid_union" && issue.errors) return explainUnion(issue, path, context, got);
  if (value === undefined && path.length > 0) return finding("is missing", "key");
  if (!zodMessage.test(issue.message)) {
    return finding(/^expected /.test(issue.message) ? `${issue.message}, ${got}` : lowerFirst(issue.message));
  }
  switch (issue.code) {
    case "invalid_type": {
      const kind = kindName(issue.expected);
      // A text in the place of a mapping or a list may be the secret that should stand in one of its keys.
      const isHidden = typeof value === "string" && (kind === "a mapping" || kind === "a list");
      return finding(`expected ${kind}, ${isHidden ? "got a text" : got}`);
    }
    case "invalid_value":
      return finding(`expected ${listOf((issue.values ?? []).map(String))}, ${got}`);
    case "invalid_key":
      return finding("a name has letters, digits, dots, dashes and underscores, 100 at most", "key");
    case "too_small":
      return finding(`expected ${amount(issue.origin, "at least", issue.minimum)}, ${got}`);
    case "too_big":
      return finding(`expected ${amount(issue.origin, "at most", issue.maximum)}, ${got}`);
    default:
      return finding(`${lowerFirst(issue.message)}, ${got}`);
  }
}

/** Explains the choice that was most likely meant: the one whose kind of value stands there. */
function explainUnion(issue: ZodIssue, path: PropertyKey[], context: IssueContext, got: string): Finding[] {
  const choices = issue.errors ?? [];
  const kinds: string[] = [];
  for (const choice of choices) {
    const other = choice.find((inner) => inner.code === "invalid_type" && (inner.path ?? []).length === 0);
    if (!other) return choice.flatMap((inner) => explain(inner, path, context));
    kinds.push(kindName(other.expected));
  }
  const missing = valueAt(context.value, path) === undefined;
  return [{
    path,
    about: missing ? "key" : "value",
    kind: true,
    message: missing ? "is missing" : `expected ${listOf([...new Set(kinds)])}, ${got}`,
  }];
}

function unknownKey(path: readonly PropertyKey[], key: string, context: IssueContext): string {
  const later = laterKey([...context.at, ...path], key);
  if (later) return later;
  const known = context.knownKeys(path);
  const meant = nearest(key, known);
  if (meant) return `there is no such key. Did you mean "${meant}"?`;
  return known.length === 0 ? "there is no such key" : `there is no such key; known are ${known.join(", ")}`;
}

function kindName(expected: string | undefined): string {
  const names: Readonly<Record<string, string>> = {
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    object: "a mapping",
    record: "a mapping",
    array: "a list",
    null: "nothing",
  };
  return names[expected ?? ""] ?? String(expected);
}

function amount(origin: string | undefined, bound: string, limit: number | bigint | undefined): string {
  if (origin === "string") return `${bound} ${limit} characters`;
  if (origin === "array" || origin === "set") return `${bound} ${limit} entries`;
  return `a number of ${bound} ${limit}`;
}

/** A value as a message shows it: short, and never a secret. */
function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (isSecretPath(path)) return "a secret that is not shown";
  const text = typeof value === "string" ? maskAddress(value) : String(value);
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return typeof value === "string" ? JSON.stringify(short) : short;
}

function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** A sentence as a problem's message begins. */
export function lowerFirst(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** The value at a path of own keys. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const part of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, part)) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[part];
  }
  return inner;
}
