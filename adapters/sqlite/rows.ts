import type { DatabaseSync } from "node:sqlite";
import type { SourceObject } from "../../core/database.ts";
import { quote } from "./connection.ts";
import { isCorrupt } from "./failure.ts";
import { readSchema, type Relation, relations } from "./schema.ts";

/** The relations of a database as the manifest keeps them, and what could not be counted. */
export interface Counted {
  readonly objects: readonly SourceObject[];
  readonly warnings: readonly string[];
}

/**
 * Lists tables and views; counts the rows of every table that has pages of its own. The content of virtual
 * tables is in their shadow tables, so nothing is lost where their modules are missing.
 *
 * @param count Whether rows are counted.
 * @throws {Error} node:sqlite's own, when the database is corrupt.
 */
export function countRows(connection: DatabaseSync, count: boolean): Counted {
  const warnings: string[] = [];
  const modules = new Set(
    connection.prepare("select name from pragma_module_list").all().map((row) =>
      String(row.name).toLowerCase()
    ),
  );
  const objects = relations(readSchema(connection)).map((relation): SourceObject => {
    const object = { name: relation.name, kind: relation.kind, within: 1 };
    if (relation.module !== undefined && !modules.has(relation.module)) {
      warnings.push(
        `The virtual table "${relation.name}" needs the module "${relation.module}", which is not in this program; the tables that hold its content are in the backup`,
      );
    }
    if (!count || relation.root === 0) return object;
    try {
      return { ...object, rows: countOf(connection, relation) };
    } catch (thrown) {
      if (isCorrupt(thrown) || !(thrown instanceof Error)) throw thrown;
      warnings.push(`The rows of the table "${relation.name}" could not be counted: ${thrown.message}`);
      return object;
    }
  });
  return { objects, warnings };
}

/** `not indexed` keeps a broken index from answering for its table. */
function countOf(connection: DatabaseSync, { name }: Relation): number {
  return Number(connection.prepare(`select count(*) as n from ${quote(name)} not indexed`).get()?.n);
}
