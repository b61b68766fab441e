import type { DatabaseSync, StatementSync } from "node:sqlite";
import { quote } from "./connection.ts";

/** How the rows of a table are read and written so that every value stays what it is. */
export interface TableShape {
  readonly name: string;
  /** What an insert names: the rowid when it can be named, then the columns that are not generated. */
  readonly columns: readonly string[];
  /** The first of the columns, when it is the rowid. */
  readonly rowid?: string;
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
    return hasColumn(connection, name, rowid)
      ? { name, columns: [rowid, ...columns], rowid, rowidHidden: false }
      : { name, columns, rowidHidden: false };
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

/** Rows that follow each other by their rowids. */
export interface RowRange {
  /** What the rowid is called. */
  readonly rowid: string;
  readonly from: bigint;
  /** The most rows. */
  readonly limit: number;
}

/**
 * Reads all rows, or a range of them. Each row is an array: first a text with one letter a column, its storage
 * class, then the values: integers as bigint, reals as number, text and blobs as bytes, since node:sqlite ends
 * text at a NUL and replaces invalid characters.
 */
export function readRows(
  connection: DatabaseSync,
  { name, columns }: Pick<TableShape, "name" | "columns">,
  range: RowRange | undefined = undefined,
): Iterable<Row> {
  const letters = columns.map((column) => `substr(typeof(${column}), 1, 1)`);
  const classes = chunked(letters).map((some) => `(${some.join(" || ")})`).join(" || ") || "''";
  const values = columns.map((column) =>
    `, iif(typeof(${column}) = 'text', cast(${column} as blob), ${column})`
  );
  const query = `select ${classes}${values.join("")} from ${quote(name)} not indexed`;
  if (range === undefined) return everyRow(connection, query, columns.length + 1) as unknown as Iterable<Row>;
  const ranged = prepareArrays(connection, query + rangeOf(range.rowid));
  return ranged.all(range.from, range.limit) as unknown as Row[];
}

/**
 * All rows of a query whose first column is never null, as arrays. An iterator of node:sqlite ends at an error as if no row
 * were left (Deno 2.7 to 2.9). So a row of nulls follows the last one; without it the row at which the iterator ended is read
 * by itself, which throws.
 * @param width Columns of the query.
 * @throws {Error} node:sqlite's own
 */
function* everyRow(connection: DatabaseSync, query: string, width: number): Generator<unknown[]> {
  const end = `select ${Array.from({ length: width }, () => "null")}`;
  let rows = 0;
  for (const row of prepareArrays(connection, `${query} union all ${end}`).iterate()) {
    const values = row as unknown as unknown[];
    if (values[0] === null) return;
    rows++;
    yield values;
  }
  prepareArrays(connection, `${query} limit 1 offset ?`).get(rows);
  throw new Error(`database disk image is malformed: after ${rows} rows the next one could not be read`);
}

/** The end of a query that reads a range of rows, by its two parameters: the first rowid and the most rows. */
export function rangeOf(rowid: string): string {
  return ` where ${rowid} >= ? order by ${rowid} limit ?`;
}

/** Prepares a query whose rows come as arrays, with integers as bigint. */
export function prepareArrays(connection: DatabaseSync, query: string): StatementSync {
  const statement = connection.prepare(query);
  statement.setReadBigInts(true);
  (statement as ArrayStatement).setReturnArrays(true);
  return statement;
}

/** Groups of 500: SQLite takes expressions up to 1000 deep. */
function chunked(all: readonly string[]): string[][] {
  return Array.from(
    { length: Math.ceil(all.length / 500) },
    (_, group) => all.slice(group * 500, (group + 1) * 500),
  );
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
