/**
 * A program for a test: `write FILE` makes an archive of a million parts, `read FILE` reads it in order and by an object.
 * Prints the most memory that the process held, bytes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { freeBlock } from "../../core/streams/blocks.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { FramePool } from "../../core/archive/frame_pool.ts";
import type { RangeSource } from "../../core/archive/range_source.ts";
import { ArchiveReader } from "../../core/archive/reader.ts";
import { testWriter } from "./test_archive.ts";

const PARTS = 1_000_000;
const OBJECTS = 1000;

async function write(path: string, pool: FramePool): Promise<void> {
  const writer = testWriter(pool, "zstd");
  const written = (async () => {
    using file = await Deno.create(path);
    for await (const block of writer.output) {
      for (let at = 0; at < block.length;) at += await file.write(block.subarray(at));
      freeBlock(block);
    }
  })();
  const content = new Uint8Array(8);
  for (let i = 0; i < PARTS; i++) {
    const object = 1 + i % OBJECTS;
    const part = writer.begin({ section: "data", name: `table ${object}`, object });
    new DataView(content.buffer).setUint32(0, i);
    await part.write({ bytes: content, release() {} });
    await part.end({ rows: 1 });
  }
  const objects = Array.from({ length: OBJECTS }, (_, i) => (
    { name: `table ${i + 1}`, kind: "table", object: i + 1, rows: PARTS / OBJECTS }
  ));
  await writer.finish({ stop: "", objects }, new Date());
  await written;
}

async function read(path: string, pool: FramePool): Promise<void> {
  const { signal } = new AbortController();
  const reader = await ArchiveReader.open(new FileSource(path), { pool, signal });
  let entries = 0;
  for await (const { object, part, bytes } of reader.stream()) {
    assert.equal(object, 1 + entries % OBJECTS);
    assert.equal(part, Math.floor(entries / OBJECTS));
    assert.equal(new DataView(bytes[0]!.buffer, bytes[0]!.byteOffset).getUint32(0), entries);
    entries++;
  }
  assert.equal(entries, PARTS);
  let parts = 0;
  for await (const line of reader.entries({ object: 7 })) {
    if (parts % 100 === 0) assert.equal((await reader.read(line)).part, parts);
    parts++;
  }
  assert.equal(parts, PARTS / OBJECTS);
}

/** A file as a source. */
class FileSource implements RangeSource {
  readonly size: number;
  readonly #file: Deno.FsFile;

  constructor(path: string) {
    this.size = Deno.statSync(path).size;
    this.#file = Deno.openSync(path);
  }

  read(offset: number, length: number): Promise<Bytes> {
    return Promise.resolve(this.#fill(new Uint8Array(length), offset));
  }

  async *stream(offset: number, length = this.size - offset): AsyncGenerator<Bytes> {
    const buffer = new Uint8Array(1 << 20);
    for (const end = offset + length; offset < end; offset += buffer.length) {
      yield await Promise.resolve(
        this.#fill(buffer.subarray(0, Math.min(buffer.length, end - offset)), offset),
      );
    }
  }

  #fill(bytes: Bytes, offset: number): Bytes {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) at += this.#file.readSync(bytes.subarray(at)) ?? bytes.length;
    return bytes;
  }
}

let peak = 0;
const watch = setInterval(() => peak = Math.max(peak, Deno.memoryUsage().rss), 20);
await using pool = FramePool.open();
await (Deno.args[0] === "write" ? write : read)(Deno.args[1]!, pool);
clearInterval(watch);
// deno-lint-ignore no-console -- the program answers on its standard output
console.log(peak);
