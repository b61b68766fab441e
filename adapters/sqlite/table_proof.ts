/**
 * The proof of a table: the sum of its rows' hashes, the same for the same rows however the pages lie.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { rowSumProof, type RowTotal } from "../../core/proof/row_sum.ts";
import { quote, text } from "./connection.ts";
import { headBytes, type PlainValue, RowBlock } from "./row_block.ts";
import { RowHasher } from "./row_hasher.ts";
import { prepareArrays, rangeOf, readRows, type TableShape, tableShape } from "./table_rows.ts";

/** How long rows are read before the thread answers others, milliseconds. */
const TURN = 200;

/** The most rows and, unless a single row has more, bytes of text and blobs that are read in one call. */
const BATCH_ROWS = 2000;
const BATCH_BYTES = 1 << 20;

/** The rowids that there can be. */
const [LEAST_ROWID, MOST_ROWID] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A table's rows and its proof, as the manifest writes them. */
export interface TableProof {
  readonly rows: number;
  readonly proof: string;
}

/**
 * Counts and proves the rows of a table that has pages of its own.
 * @param signal Ends it.
 * @throws {Error} node:sqlite's own, when the database is corrupt.
 */
export async function proveTable(
  connection: DatabaseSync,
  name: string,
  signal: AbortSignal,
): Promise<TableProof> {
  const total = await sumTable(connection, tableShape(connection, name), signal);
  return { rows: total.rows, proof: rowSumProof(total) };
}

/**
 * Sums the hashes of all rows of a table.
 * @param shape What is read of a row. It may come from the table of the same name in another database.
 * @param signal Ends it.
 * @throws {Error} node:sqlite's own, when the database is corrupt.
 */
export async function sumTable(
  connection: DatabaseSync,
  shape: TableShape,
  signal: AbortSignal,
): Promise<RowTotal> {
  const hasher = new RowHasher(shape.name);
  let turn = performance.now() + TURN;
  for (const _ of addTable(connection, shape, hasher)) {
    if (performance.now() < turn) continue;
    await new Promise((next) => setTimeout(next, 0));
    signal.throwIfAborted();
    turn = performance.now() + TURN;
  }
  return hasher.finish();
}

/** Adds all rows of a table, and comes up for air in between. */
function* addTable(connection: DatabaseSync, shape: TableShape, hasher: RowHasher): Iterable<void> {
  const { rowid } = shape;
  const inBatches = rowid !== undefined && tableShape(connection, shape.name).rowid === rowid &&
    text(connection, "pragma encoding") === "UTF-8";
  if (inBatches) return yield* addBatches(connection, shape, rowid, hasher);
  for (const row of readRows(connection, shape)) yield hasher.add(row);
}

/**
 * Adds all rows in batches, with text as strings: three times as fast as {@linkcode readRows}, for a call and an array
 * of bytes for each text cost more than all else. SQLite itself counts the bytes of each batch first, so that it is
 * never longer than its memory, and to tell when the strings are not what is stored: node:sqlite ends text at
 * a NUL and replaces invalid characters. Such a batch, and a single row that is too long for one, is read as bytes.
 */
function* addBatches(
  connection: DatabaseSync,
  shape: TableShape,
  rowid: string,
  hasher: RowHasher,
): Iterable<void> {
  const { columns } = shape;
  const table = `from ${quote(shape.name)} not indexed${rangeOf(rowid)}`;
  const read = prepareArrays(connection, `select ${columns} ${table}`);
  const sums = columns.map((_, index) =>
    `, sum(octet_length(c${index})) filter (where typeof(c${index}) in ('text', 'blob'))`
  );
  const named = columns.map((column, index) => `${column} as c${index}`);
  const measure = prepareArrays(
    connection,
    `select count(*), max(c0)${sums.join("")} from (select ${named} ${table})`,
  );
  let block = new RowBlock(0);
  const isPlain = (count: number, content: number, from: bigint) => {
    if (content > BATCH_BYTES) return false;
    const size = headBytes(count, columns.length) + content;
    if (block.size < size) block = new RowBlock(size);
    block.clear();
    const rows = read.all(from, count) as unknown as PlainValue[][];
    return rows.length === count && rows.every((values) => block.write(values)) && block.content === content;
  };
  let [from, limit] = [LEAST_ROWID, BATCH_ROWS];
  for (;;) {
    const [rows, last, ...lengths] = measure.get(from, limit) as unknown as [bigint, bigint, ...bigint[]];
    if (rows === 0n) return;
    const count = Number(rows);
    const content = lengths.reduce((sum, length) => sum + Number(length), 0);
    if (content > BATCH_BYTES && count > 1) {
      limit = Math.max(1, Math.floor(count * Math.min(1 / 2, BATCH_BYTES / content)));
      continue;
    }
    if (isPlain(count, content, from)) hasher.addBlock(block);
    else for (const row of readRows(connection, shape, { rowid, from, limit })) hasher.add(row);
    yield;
    if (last === MOST_ROWID) return;
    from = last + 1n;
    if (content < BATCH_BYTES / 4) limit = Math.min(BATCH_ROWS, limit * 2);
  }
}
