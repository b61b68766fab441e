/**
 * The patterns that choose objects: `public.*`, `audit.event?`, `"odd.schema".*`. Parts are divided by dots;
 * `*` stands for any characters and `?` for one; a part in double quotes, as in SQL, is taken literally.
 *
 * @module
 */
import { VaultraError } from "./errors.ts";

/** A pattern, compiled. */
export interface Pattern {
  /** The pattern as it was written. */
  readonly text: string;
  /** Whether it names one object only. */
  readonly literal: boolean;
  /** Whether a name matches, given part by part. */
  matches(name: readonly string[]): boolean;
}

/** One part: a quoted name, or characters that are neither dot nor quote. */
const partPattern = /"((?:[^"]|"")+)"|([^."]+)/y;

/**
 * Compiles a pattern.
 * @throws {VaultraError} `usage.pattern`
 */
export function parsePattern(text: string): Pattern {
  const parts: RegExp[] = [];
  let literal = true;
  let at = 0;
  do {
    partPattern.lastIndex = at;
    const found = partPattern.exec(text);
    if (!found) throw invalid(text);
    const [whole, quoted, plain = ""] = found;
    if (quoted === undefined && /[*?]/.test(plain)) literal = false;
    parts.push(
      quoted === undefined ? wildcard(plain) : new RegExp(`^${escape(quoted.replaceAll('""', '"'))}$`, "s"),
    );
    at += whole.length;
  } while (text[at] === "." && ++at);
  if (at !== text.length) throw invalid(text);
  return {
    text,
    literal,
    matches: (name) =>
      name.length === parts.length && parts.every((part, index) => part.test(name[index] ?? "")),
  };
}

/** Writes a name as a pattern that matches it alone: parts joined by dots, quoted where they must be. */
export function nameAsPattern(name: readonly string[]): string {
  return name.map((part) => (/^[^."*?]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join(".");
}

/** A choice of objects: all that `only` names, or all when it is empty, but none that `exclude` names. */
export class Selection {
  /** What is chosen; empty for all. */
  readonly only: readonly Pattern[];
  /** What is left out of that. */
  readonly exclude: readonly Pattern[];

  /**
   * Compiles the patterns of both lists.
   * @throws {VaultraError} `usage.pattern`
   */
  constructor(only: readonly string[], exclude: readonly string[]) {
    this.only = only.map(parsePattern);
    this.exclude = exclude.map(parsePattern);
  }

  /** Whether an object is chosen, by its name's parts. */
  includes(...name: string[]): boolean {
    if (this.exclude.some((pattern) => pattern.matches(name))) return false;
    return this.only.length === 0 || this.only.some((pattern) => pattern.matches(name));
  }

  /** Whether a pattern without wildcards asks for the object. */
  names(...name: string[]): boolean {
    return this.includes(...name) && this.only.some((pattern) => pattern.literal && pattern.matches(name));
  }
}

/** Runs of `*` count as one, so that matching stays fast whatever was written. */
function wildcard(part: string): RegExp {
  const source = part.split(/(\*+|\?)/).map((piece) => {
    if (piece.startsWith("*")) return ".*";
    return piece === "?" ? "." : escape(piece);
  });
  return new RegExp(`^${source.join("")}$`, "su");
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function invalid(text: string): VaultraError {
  return new VaultraError("usage.pattern", `"${text}" is not a pattern`, {
    hint:
      `Write parts divided by dots, such as "public.*"; put a part that holds a dot or quote in double quotes.`,
  });
}
