import type { DatabaseSync } from "node:sqlite";
import { toVaultraError } from "../../core/errors.ts";
import { isCorrupt } from "./failure.ts";

/** What a check of a database found. */
export interface Integrity {
  /** Damage: content is lost or cannot be trusted. */
  readonly damage: readonly string[];
  /** Rows that break the schema's own rules, or an index that disagrees with its table: a faithful copy has them too. */
  readonly flaws: readonly string[];
  /** Why a part of the check could not be made, such as a collation that this program does not have. */
  readonly unchecked: readonly string[];
}

/** The most findings that a check lists. */
const MAX_FINDINGS = 100;

/** Findings that say nothing against the rows: broken rules of the schema, and indexes that can be made anew. */
const flawPattern =
  /^(NULL value in |CHECK constraint failed in |NUMERIC value in |TEXT value in |non-\w+ value in |malformed inverted index for FTS|unable to validate the inverted index|In RTree |non-unique entry in |wrong # of entries in index |row \d+ (missing from|values differ from) index )/;

/** Runs `pragma quick_check` or `pragma integrity_check` and sorts what it finds. */
export function checkIntegrity(connection: DatabaseSync, level: "quick" | "full"): Integrity {
  const pragma = level === "full" ? "integrity_check" : "quick_check";
  // A full check looks the rows up in every index: with SQLite's own cache of 2 MiB most pages are read many times over.
  if (level === "full") connection.exec("pragma cache_size = -65536");
  try {
    const rows = connection.prepare(`pragma ${pragma}(${MAX_FINDINGS})`).all();
    const findings = rows
      .flatMap((row) => String(Object.values(row)[0]).split("\n"))
      .filter((line) => line !== "ok" && !/^\*\*\* in database \w+ \*\*\*$/.test(line));
    return {
      damage: findings.filter((line) => !flawPattern.test(line)),
      flaws: findings.filter((line) => flawPattern.test(line)),
      unchecked: [],
    };
  } catch (thrown) {
    if (isCorrupt(thrown)) return { damage: [toVaultraError(thrown).message], flaws: [], unchecked: [] };
    if (!(thrown instanceof Error) || !/^no such |^unknown function|^unsafe use/.test(thrown.message)) {
      throw thrown;
    }
    const rest = level === "full"
      ? checkIntegrity(connection, "quick")
      : { damage: [], flaws: [], unchecked: [] };
    return { ...rest, unchecked: [...rest.unchecked, thrown.message] };
  }
}

/** How long a check of so many bytes may take before it counts as hung, milliseconds: 2 MB a second. */
export function checkPatience(bytes: number): number {
  return 60_000 + bytes / 2000;
}
