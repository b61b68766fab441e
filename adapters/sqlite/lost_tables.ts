import type { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import { bookkeeping, type Chosen } from "./chosen.ts";
import { isCorrupt } from "./failure.ts";
import { readSchema, type Relation } from "./schema.ts";
import { readRows, tableShape } from "./table_rows.ts";

/** How many lost tables are named one by one. */
const MAX_NAMED = 100;

/** What is left of what was chosen, and what is not: a sentence each. */
export interface Salvaged {
  readonly chosen: Chosen;
  readonly warnings: readonly string[];
}

/**
 * Takes out of what was chosen the tables that are lost, and what belongs to them. A virtual table needs all of its shadow
 * tables. Views and the triggers of other tables stay, although they may use a table that is lost.
 * @param lost Why trees are lost, by their roots.
 * @throws {VaultraError} `damaged.tables` when nothing is left of what had tables
 */
export function withoutLost(
  source: DatabaseSync,
  chosen: Chosen,
  lost: ReadonlyMap<number, string>,
): Salvaged {
  const gone = new Map<string, string>();
  for (const table of chosen.tables) {
    const why = lost.get(table.root) ?? unreadable(source, table);
    if (why !== undefined && !gone.has(table.serves ?? table.name)) gone.set(table.serves ?? table.name, why);
  }
  const isLeft = ({ name, serves }: Relation) => !gone.has(serves ?? name);
  const owners = new Set([...chosen.tables, ...chosen.virtual].filter((each) => !isLeft(each)).map(nameOf));
  const isOfLeft = ({ table }: { readonly table: string }) => !owners.has(table.toLowerCase());
  const left: Chosen = {
    tables: chosen.tables.filter(isLeft),
    virtual: chosen.virtual.filter(isLeft),
    views: chosen.views,
    indexes: chosen.indexes.filter(isOfLeft),
    triggers: chosen.triggers.filter(isOfLeft),
  };
  const named = [...gone].slice(0, MAX_NAMED).map(([name, why]) => `The table "${name}" is lost: ${why}`);
  if (left.tables.length === 0 && gone.size > 0) {
    throw new VaultraError("damaged.tables", `None of the chosen tables is whole. ${named[0]}`, {
      hint: "Use another backup.",
      details: { lost: named },
    });
  }
  const more = gone.size > MAX_NAMED ? [`${gone.size - MAX_NAMED} tables more are lost`] : [];
  return { chosen: left, warnings: [...named, ...more, ...lostFacts(source, lost)] };
}

/** What is lost with SQLite's own tables. */
function lostFacts(source: DatabaseSync, lost: ReadonlyMap<number, string>): string[] {
  return readSchema(source).flatMap(({ name, root }) => {
    if (!(bookkeeping as readonly string[]).includes(name) || !lost.has(root)) return [];
    return [
      name === "sqlite_sequence"
        ? "The counters of AUTOINCREMENT are lost: rowids of deleted rows may be given again"
        : `The planner's statistics in "${name}" are lost: analyze makes them anew`,
    ];
  });
}

/** Why the rows of a table whose pages are all there can't be read; nothing when they can. */
function unreadable(source: DatabaseSync, { name }: Relation): string | undefined {
  try {
    for (const _ of readRows(source, tableShape(source, name)));
    return undefined;
  } catch (thrown) {
    if (!isCorrupt(thrown)) throw thrown;
    return "it was corrupt when it was backed up";
  }
}

function nameOf({ name }: Relation): string {
  return name.toLowerCase();
}
