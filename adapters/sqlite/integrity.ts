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

/** The most findings of a kind that are kept. */
const MAX_KEPT = 100;

/** After so many findings SQLite ends a check: so many that harmless ones hide no damage behind them. */
const MAX_FINDINGS = 1_000_000;

/** Findings that say nothing against the rows: broken rules of the schema, and indexes that can be made anew. */
const flawPattern =
  /^(NULL value in |CHECK constraint failed in |NUMERIC value in |TEXT value in |non-\w+ value in |malformed inverted index for FTS|unable to validate the inverted index|In RTree |non-unique entry in |wrong # of entries in index |rowid not at end-of-record for row \d+ of index |row \d+ (missing from|values differ from) index )/;

/** Runs `pragma quick_check` or `pragma integrity_check` and sorts what it finds. */
export function checkIntegrity(connection: DatabaseSync, level: "quick" | "full"): Integrity {
  const pragma = level === "full" ? "integrity_check" : "quick_check";
  // A full check looks the rows up in every index: with SQLite's own cache of 2 MiB most pages are read many times over.
  if (level === "full") connection.exec("pragma cache_size = -65536");
  try {
    const damage: string[] = [];
    const flaws: string[] = [];
    let findings = 0;
    // Not by an iterator, which would end at an error as if the check had (see table_rows.ts).
    for (const row of connection.prepare(`pragma ${pragma}(${MAX_FINDINGS})`).all()) {
      for (const line of String(Object.values(row)[0]).split("\n")) {
        if (line === "ok" || /^\*\*\* in database \w+ \*\*\*$/.test(line)) continue;
        findings++;
        const kept = flawPattern.test(line) ? flaws : damage;
        if (kept.length < MAX_KEPT) kept.push(line);
      }
    }
    const unchecked = findings < MAX_FINDINGS ? [] : [`it ended after ${MAX_FINDINGS} findings`];
    return { damage, flaws, unchecked };
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
