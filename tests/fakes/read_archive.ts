import assert from "node:assert/strict";
import { readRecord } from "../../core/catalog/record.ts";
import type { ArchiveEntry } from "../../core/archive/archive_entry.ts";
import type { FramePool } from "../../core/archive/frame_pool.ts";
import { PipeReader } from "../../core/archive/pipe_reader.ts";
import type { RangeSource } from "../../core/archive/range_source.ts";
import { ArchiveReader } from "../../core/archive/reader.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { inBlocks, sha256 } from "./sample_bytes.ts";

/**
 * Every way to read all of an archive: entry by entry and in one stream by its address, in one stream and verified
 * by its record, from a pipe.
 */
export const ways = ["parts", "address", "record", "verify", "pipe"] as const;
/** A way to read all of an archive. */
export type Way = typeof ways[number];

/** An entry as a reader hands it out. */
export interface ReadEntry {
  readonly path: string;
  readonly section: string;
  readonly name: string;
  readonly object?: number;
  readonly part: number;
  readonly rows: number;
  readonly continues: boolean;
  readonly raw: number;
  /** Taken here, of the bytes that were handed out. */
  readonly sha256: string;
}

/** What a reader handed out before it ended or failed. */
export interface ReadResult {
  readonly entries: readonly ReadEntry[];
  /** Absent: all was read. */
  readonly error?: unknown;
}

/** Bytes in memory as an archive's source. */
export function memorySource(bytes: Bytes): RangeSource {
  return {
    size: bytes.length,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) {
        return Promise.reject(new VaultraError("damaged.short-object", "The object ends before the range"));
      }
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
    stream: (offset, length = bytes.length - offset) =>
      inBlocks(bytes.subarray(offset, offset + length), [65_536]),
  };
}

/** Reads all of an archive; never throws. */
export async function readArchive(
  bytes: Bytes,
  way: Way,
  { pool, record }: { readonly pool: FramePool; readonly record: unknown },
): Promise<ReadResult> {
  const entries: ReadEntry[] = [];
  try {
    for await (const entry of entriesOf(bytes, way, pool, record)) entries.push(entry);
    return { entries };
  } catch (error) {
    return { entries, error };
  }
}

async function* entriesOf(
  bytes: Bytes,
  way: Way,
  pool: FramePool,
  record: unknown,
): AsyncGenerator<ReadEntry> {
  const signal = new AbortController().signal;
  if (way === "pipe") {
    await using archive = await PipeReader.open(inBlocks(bytes, [10_000, 65_536]), { pool, signal });
    for await (const entry of archive.entries()) yield readEntry(entry);
    return;
  }
  const known = way === "record" || way === "verify"
    ? { record: readRecord(new TextEncoder().encode(JSON.stringify(record))) }
    : {};
  const archive = await ArchiveReader.open(memorySource(bytes), { pool, signal, ...known });
  if (way === "parts") {
    for await (const line of archive.entries()) yield readEntry(await archive.read(line));
  } else if (way === "verify") {
    // The reader takes the bytes back after each call.
    const found: ReadEntry[] = [];
    await archive.verify((entry) => void found.push(readEntry(entry)));
    yield* found;
  } else {
    for await (const entry of archive.stream()) yield readEntry(entry);
  }
}

function readEntry(
  { path, section, name, object, part, rows, continues, raw, bytes }: ArchiveEntry,
): ReadEntry {
  return {
    path,
    section,
    name,
    ...(object === undefined ? {} : { object }),
    part,
    rows,
    continues,
    raw,
    sha256: sha256(...bytes),
  };
}

/** Fails unless an error is one that a person can act on. */
export function checkError(
  error: unknown,
  { code, message }: { readonly code?: string | undefined; readonly message?: RegExp | undefined },
  title: string,
) {
  assert.ok(error instanceof VaultraError, `${title}: ${error instanceof Error ? error.stack : error}`);
  if (code === undefined) assert.equal(error.family, "damaged", `${title}: ${error.code} ${error.message}`);
  else assert.equal(error.code, code, `${title}: ${error.message}`);
  assert.match(error.message, message ?? /^["A-Z][^\n]{10,600}[^.\n]$/, title);
  assert.ok(error.hint !== undefined && error.hint.length > 10, `${title}: "${error.message}" has no hint`);
}

/** Fails when reading takes longer than any archive of these tests may. */
export async function inTime<T>(work: Promise<T>, title: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) =>
    timer = setTimeout(() => reject(new Error(`${title} hangs`)), 30_000)
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
