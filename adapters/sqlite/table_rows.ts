import type { DatabaseSync, StatementSync } from "node:sqlite";
import { quote } from "./connection.ts";

/** How the rows of a table are read and written so that every value stays what it is. */
export interface TableShape {
  readonly name: string;
  /** What an insert names: the rowid when it can be named, then the columns that are not generated. */
  readonly columns: readonly string[];
  /** Whether rows have rowids that no name reaches: three columns hide them. */
  readonly rowidHidden: boolean;
}

/** Finds out how a table's rows are read. */
export function tableShape(connection: DatabaseSync, name: string): TableShape {
  const info = connection.prepare("select name, type, pk, hidden from pragma_table_xinfo(?)").all(name);
  const columns = info.filter((column) => column.hidden === 0).map((column) => quote(String(column.name)));
  const taken = new Set(info.map((column) => String(column.name).toLowerCase()));
  const rowid = ["rowid", "_rowid_", "oid"].find((alias) => !taken.has(alias));
  if (rowid !== undefined) {
    return {
      name,
      columns: hasColumn(connection, name, rowid) ? [rowid, ...columns] : columns,
      rowidHidden: false,
    };
  }
  const keys = info.filter((column) => Number(column.pk) > 0);
  const aliased = keys.length === 1 && String(keys[0]?.type).toLowerCase() === "integer";
  return {
    name,
    columns,
    rowidHidden: !aliased && !/\bwithout\s+rowid\b[^)]*$/i.test(sqlOf(connection, name)),
  };
}

/** A row: the storage classes, then the values. */
export type Row = readonly [classes: string, ...values: SqlValue[]];

/** A value as {@linkcode readRows} gives it. */
export type SqlValue = null | bigint | number | Uint8Array;

/**
 * Reads all rows. Each row is an array: first a text with one letter a column, its storage
 * class, then the values: integers as bigint, reals as number, text and blobs as bytes, since node:sqlite ends
 * text at a NUL and replaces invalid characters.
 */
export function readRows(connection: DatabaseSync, { name, columns }: TableShape): Iterable<Row> {
  const classes = columns.map((column) => `substr(typeof(${column}), 1, 1)`).join(" || ") || "''";
  const values = columns.map((column) =>
    `, iif(typeof(${column}) = 'text', cast(${column} as blob), ${column})`
  );
  const statement = connection.prepare(`select ${classes}${values.join("")} from ${quote(name)} not indexed`);
  statement.setReadBigInts(true);
  (statement as ArrayStatement).setReturnArrays(true);
  return statement.iterate() as unknown as Iterable<Row>;
}

/** What Deno's node:sqlite has and its types still lack. */
type ArrayStatement = StatementSync & { setReturnArrays(enabled: boolean): void };

/** The storage class letter of text in what {@linkcode readRows} reads. */
export const TEXT = "t";

/** Whether an unquoted name means a column; tables that are stored as an index have no rowid. */
function hasColumn(connection: DatabaseSync, table: string, column: string): boolean {
  try {
    connection.prepare(`select ${column} from ${quote(table)} not indexed`);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message === `no such column: ${column}`) return false;
    throw thrown;
  }
}

function sqlOf(connection: DatabaseSync, table: string): string {
  return String(
    connection.prepare("select sql from sqlite_schema where name = ? and type = 'table'").get(table)?.sql,
  );
}
