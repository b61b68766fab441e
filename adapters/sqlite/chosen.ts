import type { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import { nameAsPattern, type Selection } from "../../core/patterns.ts";
import { readSchema, type Relation, relations, type SchemaRow } from "./schema.ts";

/** The part of a database that is restored, each list in the order of creation. */
export interface Chosen {
  /** Ordinary tables and the shadow tables of chosen virtual ones. */
  readonly tables: readonly Relation[];
  readonly virtual: readonly Relation[];
  readonly views: readonly Relation[];
  /** Indexes that were made by a statement, and triggers, of all of these. */
  readonly indexes: readonly SchemaRow[];
  readonly triggers: readonly SchemaRow[];
}

/** The tables of SQLite's own that hold facts about other tables: counters and statistics. */
export const bookkeeping = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"] as const;

/** What choosing looks at: rows of a schema, or the objects of a manifest. */
interface Named {
  readonly name: string;
  readonly kind: string;
  readonly serves?: string;
}

/**
 * Whether an object is restored for itself. Views need tables that may not be there, so a choice by pattern
 * takes them only by their exact name. Shadow tables come with their virtual table.
 */
export function isChosen({ name, kind }: Named, selection: Selection): boolean {
  if (name.toLowerCase().startsWith("sqlite_") || kind === "shadow" || kind === "pages") return false;
  if (kind === "view" && selection.only.length > 0) return selection.names(name);
  return selection.includes(name);
}

/**
 * Chooses from a schema.
 * @throws {VaultraError} `usage.no-such-object` when nothing is chosen, or something that is not there.
 */
export function choose(connection: DatabaseSync, selection: Selection): Chosen {
  const schema = readSchema(connection);
  const all = relations(schema);
  const taken = new Set(all.filter((each) => isChosen(each, selection)).map((each) => each.name));
  refuseEmptyChoice(all, taken.size, selection);
  for (const { name, serves } of all) if (serves !== undefined && taken.has(serves)) taken.add(name);
  const chosen = all.filter((each) => taken.has(each.name));
  const owners = new Set([...taken].map((name) => name.toLowerCase()));
  const attached = schema.filter((row) => row.sql !== null && owners.has(row.table.toLowerCase()));
  return {
    tables: chosen.filter(({ kind }) => kind === "table" || kind === "shadow"),
    virtual: chosen.filter(({ kind }) => kind === "virtual"),
    views: chosen.filter(({ kind }) => kind === "view"),
    indexes: attached.filter(({ type }) => type === "index"),
    triggers: attached.filter(({ type }) => type === "trigger"),
  };
}

/**
 * Refuses a choice that takes nothing of what there is, or names something that is not there.
 * @throws {VaultraError} `usage.no-such-object`
 */
export function refuseEmptyChoice(all: readonly Named[], taken: number, selection: Selection): void {
  const names = all.filter(({ kind }) => kind === "table" || kind === "virtual" || kind === "view");
  const missing = selection.only.find((pattern) =>
    pattern.literal && !names.some(({ name }) => pattern.matches([name]))
  );
  const isEmpty = taken === 0 && selection.only.length + selection.exclude.length > 0;
  if (missing === undefined && !isEmpty) return;
  const listed = names.slice(0, 20).map(({ name }) => nameAsPattern([name])).join(", ");
  throw new VaultraError(
    "usage.no-such-object",
    missing === undefined
      ? "No table of the backup matches what was chosen"
      : `The backup has no table or view called ${missing.text}`,
    {
      hint: `The backup holds: ${listed || "no tables"}${
        names.length > 20 ? ", …" : ""
      }. Names are matched exactly.`,
    },
  );
}
