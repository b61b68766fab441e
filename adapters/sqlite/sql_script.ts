import type { DatabaseSync } from "node:sqlite";
import type { RestoreRequest } from "../../core/database.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { bookkeeping, type Chosen } from "./chosen.ts";
import { number, quote, text } from "./connection.ts";
import { readSchema, type Relation, type SchemaRow } from "./schema.ts";
import { readRows, type SqlValue, tableShape, TEXT } from "./table_rows.ts";
import { textBlocks } from "./text_blocks.ts";

/**
 * SQL text that makes the chosen tables anew, for `sqlite3 new.db < script.sql`. Every value comes back as it
 * was, also those that `.dump` loses: text with NUL or invalid characters, rows that break a CHECK, rowids.
 */
export function sqlScript(
  source: DatabaseSync,
  chosen: Chosen,
  { schemaOnly, dataOnly }: Pick<RestoreRequest, "schemaOnly" | "dataOnly">,
  context: PluginContext,
): AsyncGenerator<Bytes> {
  return textBlocks(statements(source, chosen, !dataOnly, !schemaOnly), context.signal);
}

/** SQL text that inserts a table's rows, and nothing else, every value as it was, into a table that is there. */
export function rowScript(
  source: DatabaseSync,
  table: Relation,
  context: PluginContext,
): AsyncGenerator<Bytes> {
  const statements = function* () {
    yield BEGIN;
    yield* inserts(source, table);
    yield COMMIT;
  };
  return textBlocks(statements(), context.signal);
}

/** Rows may refer to what comes later or is missing, and break rules that came after them. */
const BEGIN = "PRAGMA foreign_keys = OFF;\nPRAGMA ignore_check_constraints = ON;\nBEGIN;\n";
const COMMIT = "COMMIT;\nPRAGMA ignore_check_constraints = OFF;\n";

/** The statements, each with its line end. */
function* statements(
  source: DatabaseSync,
  chosen: Chosen,
  schema: boolean,
  data: boolean,
): Generator<string> {
  if (schema) {
    for (const pragma of ["page_size", "auto_vacuum", "user_version", "application_id"]) {
      yield `PRAGMA ${pragma} = ${number(source, `pragma ${pragma}`)};\n`;
    }
    yield `PRAGMA encoding = '${text(source, "pragma encoding")}';\n`;
  }
  yield BEGIN;
  if (schema) yield* sqlOf(data ? chosen.tables : chosen.tables.filter(({ kind }) => kind === "table"));
  if (data) { for (const table of chosen.tables) yield* inserts(source, table); }
  if (schema) {
    yield* sqlOf(chosen.indexes);
    yield* data ? virtualTables(chosen.virtual) : sqlOf(chosen.virtual);
  }
  if (data) yield* facts(source, chosen);
  if (schema) yield* sqlOf([...chosen.views, ...chosen.triggers]);
  yield COMMIT;
}

/** The statements as they stand in the schema. One that may end in a comment gets its semicolon on a new line. */
function* sqlOf(rows: readonly SchemaRow[]): Generator<string> {
  for (const { sql } of rows) yield /--.*$/.test(sql ?? "") ? `${sql}\n;\n` : `${sql};\n`;
}

function* inserts(source: DatabaseSync, table: Relation): Generator<string> {
  const shape = tableShape(source, table.name);
  if (shape.rowidHidden) {
    yield `-- The rowids of ${JSON.stringify(table.name)} cannot be named: three columns hide them\n`;
  }
  const literal = literals(text(source, "pragma encoding"));
  const into = `INSERT INTO ${quote(table.name)} (${shape.columns}) VALUES (`;
  for (const [classes, ...values] of readRows(source, shape)) {
    if (shape.columns.length === 0) yield `INSERT INTO ${quote(table.name)} DEFAULT VALUES;\n`;
    else yield `${into}${values.map((value, index) => literal(value, classes[index] === TEXT))});\n`;
  }
}

/** Virtual tables are entered as they are: their content is in their shadow tables already. */
function* virtualTables(virtual: readonly Relation[]): Generator<string> {
  if (virtual.length === 0) return;
  const literal = (value: string) => `'${value.replaceAll("'", "''")}'`;
  yield "PRAGMA writable_schema = ON;\n";
  for (const { name, sql } of virtual) {
    yield `INSERT INTO sqlite_schema VALUES ('table', ${literal(name)}, ${literal(name)}, 0, ${
      literal(sql ?? "")
    });\n`;
  }
  yield "PRAGMA writable_schema = RESET;\n";
}

/**
 * The counters of AUTOINCREMENT and the planner's statistics, in the place of what the same tables have of them.
 * sqlite_stat4 only some builds of SQLite have.
 */
function* facts(source: DatabaseSync, chosen: Chosen): Generator<string> {
  const present = new Set(readSchema(source).map(({ name }) => name));
  const literal = literals(text(source, "pragma encoding"));
  for (const name of bookkeeping.filter((each) => present.has(each) && each !== "sqlite_stat4")) {
    if (name === "sqlite_stat1") yield "ANALYZE sqlite_schema;\n";
    const owners = name === "sqlite_sequence" ? chosen.tables.filter(countsItsRowids) : chosen.tables;
    const names = new Set(owners.map((owner) => owner.name));
    const shape = tableShape(source, name);
    const columns = shape.columns.slice(1);
    const key = columns[0] ?? "";
    for (const owner of names) yield `DELETE FROM ${name} WHERE ${key} = '${owner.replaceAll("'", "''")}';\n`;
    for (const [classes, , ...values] of readRows(source, shape)) {
      const cells = values.map((value, index) => literal(value, classes[index + 1] === TEXT));
      const owner = source.prepare(`select ${key} as name from ${name} where ${key} = ${cells[0]}`).get()
        ?.name;
      if (names.has(String(owner))) yield `INSERT INTO ${name} (${columns}) VALUES (${cells});\n`;
    }
  }
}

/** Whether a table has AUTOINCREMENT: only the first such one makes sqlite_sequence. */
function countsItsRowids({ sql }: Relation): boolean {
  return /\bautoincrement\b/i.test(sql ?? "");
}

/** Writes values as literals that give the same value back. */
function literals(encoding: string): (value: SqlValue, isText: boolean) => string {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  const asText = (bytes: Uint8Array) => {
    try {
      const decoded = decoder.decode(bytes);
      if (!decoded.includes("\0")) return `'${decoded.replaceAll("'", "''")}'`;
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
    }
    return `CAST(${asBlob(bytes)} AS TEXT)`;
  };
  const asBlob = (bytes: Uint8Array) => `X'${bytes.toHex()}'`;
  return (value, isText) => {
    if (value instanceof Uint8Array) return isText ? asText(value) : asBlob(value);
    if (typeof value === "number") return realLiteral(value);
    return value === null ? "NULL" : String(value);
  };
}

/**
 * A floating-point number so that every SQLite reads the same one. Its reader of decimals rounds well where the
 * power of ten is small: there 15 digits stand where they suffice, else 17. Others are an integer times powers of
 * two, which no step rounds.
 */
export function realLiteral(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "9e999" : "-9e999";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size > 1e22)) return exactReal(value);
  const short = value.toPrecision(15);
  const digits = Number(short) === value ? String(Number(short)) : value.toPrecision(17);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

/** A number as its significand, multiplied or divided by powers of two that keep it exact all the way. */
function exactReal(value: number): string {
  let significand = value;
  let exponent = 0;
  for (; !Number.isInteger(significand); exponent--) significand *= 2;
  for (; Math.abs(significand) >= 2 ** 53; exponent++) significand /= 2;
  const operator = exponent < 0 ? "/" : "*";
  let literal = `${significand}.0`;
  for (let left = Math.abs(exponent); left > 0; left -= 60) {
    literal += ` ${operator} ${BigInt(2 ** Math.min(left, 60))}.0`;
  }
  return `(${literal})`;
}
