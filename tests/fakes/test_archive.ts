/**
 * Makes archives for tests, and reads them in every way.
 *
 * @module
 */
import { recipientsOf } from "../../core/age/recipients.ts";
import type { Encryption } from "../../core/config/job.ts";
import type { EntryInfo, SourceObject } from "../../core/database.ts";
import { joinBlocks } from "../../core/streams/blocks.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import type { ArchiveEntry } from "../../core/archive/archive_entry.ts";
import { codecNamed } from "../../core/archive/codecs.ts";
import type { ArchiveHeader, BackupRecord, Compression } from "../../core/archive/format.ts";
import type { FramePool } from "../../core/archive/frame_pool.ts";
import type { RangeSource } from "../../core/archive/range_source.ts";
import { type ArchiveTotals, ArchiveWriter, type ArchiveWriterOptions } from "../../core/archive/writer.ts";

/** One entry with its content. */
export interface TestEntry extends EntryInfo {
  readonly content: Uint8Array;
  readonly rows?: number;
  readonly continues?: boolean;
}

/** A complete archive in memory. */
export interface TestArchive {
  readonly bytes: Bytes;
  readonly totals: ArchiveTotals;
  readonly record: BackupRecord;
}

/** The header of every test's archive. */
export const testHeader: ArchiveHeader = {
  format: 1,
  id: "20261124T064758Z-full-7f3a",
  job: "shop",
  engine: "sample",
  engineVersion: "1.2",
  type: "full",
  started: "2026-11-24T06:47:58Z",
  options: { only: [], exclude: [], excludeData: [], proof: "rows" },
  properties: {},
  tool: "vaultra test",
};

/** A writer with that header. */
export function testWriter(
  pool: FramePool,
  compression: Compression,
  options: Partial<ArchiveWriterOptions> = {},
): ArchiveWriter {
  return new ArchiveWriter({
    header: testHeader,
    instructions: "",
    position: "start",
    compression,
    level: codecNamed(compression).levels.min,
    pool,
    signal: new AbortController().signal,
    ...options,
  });
}

/** Writes entries one after the other, in chunks of at most 1 MiB. */
export async function writeEntries(writer: ArchiveWriter, entries: Iterable<TestEntry>): Promise<void> {
  for (const { content, rows, continues, ...info } of entries) {
    const part = writer.begin(info);
    for (let at = 0; at < content.length; at += 1 << 20) {
      await part.write({ bytes: new Uint8Array(content.subarray(at, at + (1 << 20))), release() {} });
    }
    await part.end({
      ...(rows === undefined ? {} : { rows }),
      ...(continues === undefined ? {} : { continues }),
    });
  }
}

/** The objects that the entries make, as a source's summary tells them. */
export function objectsOf(entries: readonly TestEntry[]): SourceObject[] {
  const objects = new Map<number, { name: string; kind: string; object: number; rows: number }>();
  for (const { section, name, object, rows = 0 } of entries) {
    if (object === undefined) continue;
    const known = objects.get(object) ?? { name, kind: "table", object, rows: 0 };
    if (section === "data") known.rows += rows;
    objects.set(object, known);
  }
  return [...objects.values()];
}

/** An archive of the entries. */
export async function testArchive(
  pool: FramePool,
  compression: Compression,
  entries: readonly TestEntry[],
  options: Partial<ArchiveWriterOptions> = {},
): Promise<TestArchive> {
  const writer = testWriter(pool, compression, options);
  const output = collect(writer.output);
  await writeEntries(writer, entries);
  const totals = await writer.finish(
    { stop: "stop", objects: objectsOf(entries) },
    new Date("2026-11-24T06:48:00Z"),
  );
  return { bytes: await output, totals, record: recordOf(totals, compression, options.encryption) };
}

/** The record of an archive. */
export function recordOf(
  totals: ArchiveTotals,
  compression: Compression,
  encryption?: Encryption,
): BackupRecord {
  const { options: _options, properties: _properties, ...identity } = testHeader;
  return {
    ...identity,
    finished: "2026-11-24T06:48:00Z",
    archive: {
      name: `${identity.id}${codecNamed(compression).extension}${encryption === undefined ? "" : ".age"}`,
      size: totals.size,
      sha256: totals.sha256,
      compression,
    },
    ...(encryption === undefined ? {} : { encryption: { recipients: recipientsOf(encryption) } }),
    manifest: totals.manifest,
    objects: totals.objects,
    rows: totals.rows,
    raw: totals.raw,
    proof: "rows",
    milliseconds: 2000,
    log: { start: "start", stop: "stop" },
    warnings: 0,
  };
}

/** All bytes of a stream. */
export async function collect(stream: ByteStream): Promise<Bytes> {
  const blocks: Bytes[] = [];
  for await (const block of stream) blocks.push(new Uint8Array(block));
  return joinBlocks([new Uint8Array(0), ...blocks]);
}

/** Bytes in memory as a source that counts what is read. */
export class MemorySource implements RangeSource {
  readonly #bytes: Bytes;
  /** Reads and bytes so far. */
  reads = 0;
  bytesRead = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Bytes> {
    this.reads++;
    this.bytesRead += length;
    return Promise.resolve(this.#bytes.slice(offset, offset + length));
  }

  async *stream(offset: number, length = this.size - offset): AsyncGenerator<Bytes> {
    for (let at = offset; at < offset + length; at += 100_000) {
      yield await this.read(at, Math.min(100_000, offset + length - at));
    }
  }
}

/** Bytes as a pipe gives them: in blocks of random sizes, in one buffer that is used again and again. */
export async function* pipe(bytes: Bytes, random: () => number): AsyncGenerator<Bytes> {
  const buffer = new Uint8Array(200_000);
  for (let at = 0; at < bytes.length;) {
    const block = bytes.subarray(at, at + 1 + Math.floor(random() ** 4 * buffer.length));
    buffer.set(block);
    at += block.length;
    yield await Promise.resolve(buffer.subarray(0, block.length));
    buffer.fill(0xee);
  }
}

/** Entries as plain values that can be compared. */
export async function contentsOf(entries: AsyncIterable<ArchiveEntry>): Promise<TestEntry[]> {
  const contents: TestEntry[] = [];
  for await (const { section, name, object, rows, continues, bytes } of entries) {
    contents.push(
      comparable({
        section,
        name,
        ...(object === undefined ? {} : { object }),
        rows,
        continues,
        content: joinBlocks([new Uint8Array(0), ...bytes]),
      }),
    );
  }
  return contents;
}

/** An entry with its defaults filled in. */
export function comparable(entry: TestEntry): TestEntry {
  const { section, name, object, rows = 0, continues = false, content } = entry;
  return {
    section,
    name,
    ...(object === undefined ? {} : { object }),
    rows,
    continues,
    content: new Uint8Array(content),
  };
}
