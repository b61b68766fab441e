import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { SourceObject } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { rowSumProof, type RowTotal, totalBeyond } from "../../core/proof/row_sum.ts";
import { bookkeeping, type Chosen } from "./chosen.ts";
import { number, quote, text } from "./connection.ts";
import { RowHasher } from "./row_hasher.ts";
import { readSchema, type Relation } from "./schema.ts";
import { sumTable } from "./table_proof.ts";
import { readRows, type TableShape, tableShape, TEXT } from "./table_rows.ts";

/** How long rows are copied before the thread answers others, milliseconds. */
const TURN = 200;

/**
 * Makes text of bytes in the database's own encoding. `cast(? as text)` would read them as UTF-8, whatever the
 * encoding; joining keeps them as they are.
 */
const AS_TEXT = "? || x''";

/** What is copied, from where to where. The target has an open transaction. */
export interface CopyRequest {
  readonly source: DatabaseSync;
  readonly target: DatabaseSync;
  readonly chosen: Chosen;
  readonly schema: boolean;
  readonly data: boolean;
  /** Whether what is chosen takes the place of what the target has under the same names. */
  readonly replace: boolean;
  /** Whether the content of what was copied is proven, in the source and in the target. */
  readonly prove: boolean;
  readonly context: PluginContext;
}

/** What was copied. */
export interface CopyReport {
  /** As found in the target. */
  readonly objects: readonly SourceObject[];
  /** As the source proves them; absent when nothing is proven. */
  readonly expected?: readonly SourceObject[];
  readonly warnings: readonly string[];
}

/** The rows of a table that were copied, when they are proven. */
interface CopiedRows {
  readonly shape: TableShape;
  /** As they were read from the source. */
  readonly total: RowTotal;
  /** What the target's table held before them. */
  readonly before: RowTotal;
}

/** Copies tables with all that belongs to them. Nothing of it is visible before the target commits. */
export async function copyTables(request: CopyRequest): Promise<CopyReport> {
  const { source, target, chosen, schema, data, replace, context } = request;
  const proves = request.prove && data && !otherEncoding(source, target);
  const warnings: string[] = [];
  // Only the maker of a schema may write virtual tables' rows into it, and rows into shadow tables
  (target as DatabaseSync & { enableDefensive(active: boolean): void }).enableDefensive(false);
  target.exec("pragma ignore_check_constraints = on");
  const paused = schema ? [] : pauseTriggers(target, chosen.tables);
  if (schema && replace) dropAll(target, chosen);
  if (schema) { for (const { sql } of tablesToMake(request)) target.exec(sql ?? ""); }
  const before = schema || replace ? [] : countCopied(target, chosen);
  const copied = new Map<string, CopiedRows>();
  if (data) {
    for (const table of chosen.tables) {
      if (!schema && replace) target.exec(`delete from ${quote(table.name)}`);
      const shape = tableShape(source, table.name);
      const hasher = proves ? new RowHasher(table.name) : undefined;
      const held = hasher && await sumTable(target, shape, context.signal);
      await copyRows(request, shape, warnings, hasher);
      if (hasher && held) copied.set(table.name, { shape, total: hasher.finish(), before: held });
    }
  }
  if (schema) makeDependents(target, chosen, data);
  if (data) copyBookkeeping(source, target, chosen, warnings);
  for (const sql of paused) target.exec(sql);
  target.exec("pragma ignore_check_constraints = off");
  warnings.push(...brokenReferences(target, chosen));
  const objects = countCopied(target, chosen).map((object, index) =>
    object.rows === undefined ? object : { ...object, rows: object.rows - (before[index]?.rows ?? 0) }
  );
  return proves ? { ...await proveCopied(request, objects, copied), warnings } : { objects, warnings };
}

/** Adds the proofs of what was copied: of the source's rows as they were read, of the target's as they stand there now. */
async function proveCopied(
  { target, context }: CopyRequest,
  objects: readonly SourceObject[],
  copied: ReadonlyMap<string, CopiedRows>,
): Promise<Pick<CopyReport, "objects" | "expected">> {
  const found: SourceObject[] = [];
  const expected: SourceObject[] = [];
  for (const object of objects) {
    const rows = copied.get(object.name);
    if (rows === undefined) {
      found.push(object);
      continue;
    }
    const total = totalBeyond(await sumTable(target, rows.shape, context.signal), rows.before);
    found.push({ ...object, rows: total.rows, proof: rowSumProof(total) });
    expected.push({ ...object, rows: rows.total.rows, proof: rowSumProof(rows.total) });
  }
  return { objects: found, expected };
}

/** With data, shadow tables are made as they were; without, the module makes them when the virtual table is. */
function tablesToMake({ chosen, data }: CopyRequest): readonly Relation[] {
  return data ? chosen.tables : chosen.tables.filter(({ kind }) => kind === "table");
}

/** Indexes, virtual tables, views and triggers, once the rows are there. */
function makeDependents(target: DatabaseSync, chosen: Chosen, data: boolean): void {
  const shadows = new Set(chosen.tables.filter(({ kind }) => kind === "shadow").map(({ name }) => name));
  const indexes = data ? chosen.indexes : chosen.indexes.filter(({ table }) => !shadows.has(table));
  for (const { sql } of indexes) target.exec(sql ?? "");
  if (data && chosen.virtual.length > 0) {
    target.exec("pragma writable_schema = on");
    const insert = target.prepare("insert into sqlite_schema values ('table', ?, ?, 0, ?)");
    for (const { name, sql } of chosen.virtual) insert.run(name, name, sql);
    target.exec("pragma writable_schema = reset");
  } else for (const { sql } of chosen.virtual) target.exec(sql ?? "");
  for (const { sql } of [...chosen.views, ...chosen.triggers]) target.exec(sql ?? "");
}

/** Drops what stands in the target under the chosen names. */
function dropAll(target: DatabaseSync, chosen: Chosen): void {
  for (const { name } of [...chosen.virtual, ...chosen.tables, ...chosen.views]) {
    const found = readSchema(target).find((row) => row.name.toLowerCase() === name.toLowerCase());
    if (found?.type === "table" || found?.type === "view") {
      target.exec(`drop ${found.type} ${quote(found.name)}`);
    }
  }
}

/** Takes the triggers off tables that rows are added to. @returns The statements that make them again. */
function pauseTriggers(target: DatabaseSync, tables: readonly Relation[]): string[] {
  const names = new Set(tables.map(({ name }) => name.toLowerCase()));
  const triggers = readSchema(target).filter((row) =>
    row.type === "trigger" && names.has(row.table.toLowerCase())
  );
  for (const { name } of triggers) target.exec(`drop trigger ${quote(name)}`);
  return triggers.map(({ sql }) => sql ?? "");
}

/** Copies the rows of one table. Text travels as bytes, so for each mix of storage classes there is a statement. */
async function copyRows(
  { source, target, context }: CopyRequest,
  shape: TableShape,
  warnings: string[],
  hasher: RowHasher | undefined,
): Promise<void> {
  if (shape.rowidHidden) {
    warnings.push(
      `The rowids of "${shape.name}" were given anew: three of its columns are called rowid, _rowid_ and oid`,
    );
  }
  const recode = textRecoder(source, target, shape.name, warnings);
  const inserts = new Map<string, StatementSync>();
  const prepare = (classes: string) => {
    const values = shape.columns.map((
      _,
      index,
    ) => (classes[index] === TEXT && !recode ? AS_TEXT : "?"));
    const into = shape.columns.length > 0 ? `(${shape.columns}) values (${values})` : "default values";
    const statement = target.prepare(`insert into ${quote(shape.name)} ${into}`);
    inserts.set(classes, statement);
    return statement;
  };
  let turn = performance.now() + TURN;
  for (const row of readRows(source, shape)) {
    hasher?.add(row);
    const [classes, ...values] = row;
    const insert = inserts.get(classes) ?? prepare(classes);
    insert.run(...(recode ? values.map((value, index) => recode(value, classes[index])) : values));
    if (performance.now() < turn) continue;
    await new Promise((next) => setTimeout(next, 0));
    context.signal.throwIfAborted();
    turn = performance.now() + TURN;
  }
}

/** Whether text is stored in other bytes in the target, so that no proof can be the same. */
function otherEncoding(source: DatabaseSync, target: DatabaseSync): boolean {
  const [from, to] = encodings(source, target);
  return from !== to;
}

function encodings(...connections: readonly DatabaseSync[]): string[] {
  return connections.map((connection) => text(connection, "pragma encoding"));
}

/** Decodes text for a target of another encoding; nothing when both have the same. */
function textRecoder(source: DatabaseSync, target: DatabaseSync, table: string, warnings: string[]) {
  if (!otherEncoding(source, target)) return undefined;
  const [from, to] = encodings(source, target);
  const decoder = new TextDecoder(from, { ignoreBOM: true, fatal: true });
  const lenient = new TextDecoder(from, { ignoreBOM: true });
  let told = false;
  return (value: SQLInputValue, kind: string | undefined): SQLInputValue => {
    if (kind !== TEXT || !(value instanceof Uint8Array)) return value;
    try {
      return decoder.decode(value);
    } catch {
      if (!told) {
        warnings.push(
          `"${table}" holds text that is invalid in ${from}; in the ${to} target it has replacement characters`,
        );
      }
      told = true;
      return lenient.decode(value);
    }
  };
}

/** Copies the counters of AUTOINCREMENT and the planner's statistics of the chosen tables. */
function copyBookkeeping(
  source: DatabaseSync,
  target: DatabaseSync,
  chosen: Chosen,
  warnings: string[],
): void {
  const present = new Set(readSchema(source).map(({ name }) => name));
  if (present.has("sqlite_stat1")) target.exec("analyze sqlite_schema");
  for (const name of bookkeeping) {
    if (!present.has(name)) continue;
    const made = readSchema(target).some((row) => row.name === name);
    const key = name === "sqlite_sequence" ? "name" : "tbl";
    const columns = source.prepare("select name from pragma_table_info(?)").all(name).map((row) =>
      quote(String(row.name))
    );
    const select = source.prepare(`select ${columns} from ${name} where ${key} = ?`);
    select.setReadBigInts(true);
    for (const table of chosen.tables) {
      const rows = select.all(table.name);
      if (rows.length > 0 && !made) {
        warnings.push(
          `"${name}" has rows for "${table.name}", but this SQLite does not make that table; they were left out`,
        );
        break;
      }
      if (rows.length > 0) target.prepare(`delete from ${name} where ${key} = ?`).run(table.name);
      const insert = rows.length > 0 &&
        target.prepare(`insert into ${name} (${columns}) values (${columns.map(() => "?")})`);
      for (const row of rows) if (insert) insert.run(...Object.values(row));
    }
  }
}

/** The objects with their rows, counted where they are copied to. */
function countCopied(target: DatabaseSync, chosen: Chosen): SourceObject[] {
  return [...chosen.tables, ...chosen.virtual, ...chosen.views].map(({ name, kind, root }) => ({
    name,
    kind,
    ...(root === 0 ? {} : { rows: number(target, `select count(*) from ${quote(name)} not indexed`) }),
  }));
}

/** References of the copied tables that lead nowhere: perhaps as in the source, perhaps for want of a table. */
function brokenReferences(target: DatabaseSync, chosen: Chosen): string[] {
  return chosen.tables.flatMap(({ name }) => {
    try {
      const broken = number(
        target,
        `select count(*) from pragma_foreign_key_check('${name.replaceAll("'", "''")}')`,
      );
      return broken > 0 ? [`${broken} rows of "${name}" refer to rows that are not there`] : [];
    } catch (thrown) {
      if (!(thrown instanceof Error) || thrown instanceof VaultraError) throw thrown;
      return [`The foreign keys of "${name}" could not be checked: ${thrown.message}`];
    }
  });
}
