import type { DatabaseSync } from "node:sqlite";
import { quote } from "./connection.ts";
import { readRows, type Row } from "./table_rows.ts";

/** The rows of a table as `select *` shows them: every column that is not hidden, generated ones too. */
export interface ShownRows {
  /** The columns' names, as they are. */
  readonly columns: readonly string[];
  readonly rows: Iterable<Row>;
}

/** Reads the rows that people see, in the order in which the table keeps them. */
export function shownRows(connection: DatabaseSync, name: string): ShownRows {
  const columns = connection
    .prepare("select name from pragma_table_xinfo(?) where hidden <> 1 order by cid").all(name)
    .map((column) => String(column.name));
  return { columns, rows: readRows(connection, { name, columns: columns.map(quote) }) };
}
