import type { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import { nameAsPattern, type Selection } from "../../core/patterns.ts";
import { nearest } from "../../core/text/nearest.ts";
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

/** The pages where the trees of {@linkcode bookkeeping} begin. */
export function bookkeepingRoots(connection: DatabaseSync): number[] {
  return readSchema(connection)
    .filter(({ name }) => (bookkeeping as readonly string[]).includes(name)).map(({ root }) => root);
}

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

/**
 * The table of that name, among the relations of a schema or the objects of a manifest.
 * @throws {VaultraError} `usage.no-such-object`; `usage.not-a-table` for what has no rows of its own
 */
export function tableNamed<T extends Named>(all: readonly T[], name: string): T {
  const found = all.find((each) => each.name === name && each.kind !== "pages");
  if (found?.kind === "table" || found?.kind === "shadow") return found;
  if (found !== undefined) {
    const shadows = all.filter(({ kind, name: other }) =>
      kind === "shadow" && other.toLowerCase().startsWith(`${name.toLowerCase()}_`)
    );
    const kept = shadows.map((each) => `"${each.name}"`).join(", ");
    throw new VaultraError(
      "usage.not-a-table",
      `"${name}" is a ${found.kind === "view" ? "view" : "virtual table"}: it has no rows of its own`,
      {
        hint: kept === ""
          ? "Restore the database, and query it there."
          : `Restore the database, and query it there. What it holds is kept in ${kept}.`,
      },
    );
  }
  const names = all.filter(({ kind }) => kind !== "pages").map((each) => each.name);
  const meant = nearest(name, names);
  throw new VaultraError("usage.no-such-object", `The backup has no table called "${name}"`, {
    hint: meant === undefined
      ? "See what it holds with: vaultra show BACKUP --objects"
      : `Did you mean "${meant}"? Names are matched exactly.`,
  });
}
