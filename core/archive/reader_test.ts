import assert from "node:assert/strict";
import { type ErrorCode, VaultraError } from "../errors.ts";
import { freeBlock } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import type { BackupRecord } from "./format.ts";
import { FramePool } from "./frame_pool.ts";
import { PipeReader } from "./pipe_reader.ts";
import { ArchiveReader } from "./reader.ts";
import { seeded } from "../seeded.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import {
  comparable,
  contentsOf,
  MemorySource,
  pipe,
  testArchive,
  type TestEntry,
} from "../../tests/fakes/test_archive.ts";

const signal = new AbortController().signal;
const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof VaultraError && error.code === code;

/** Ten large objects of three parts each, that interleave, and a thousand tiny ones. */
const entries: readonly TestEntry[] = [
  { section: "schema", name: "a.sql", content: sampleBytes(100, 1) },
  ...Array.from({ length: 30 }, (_, i): TestEntry => (
    {
      section: "data",
      name: `large ${i % 10}`,
      object: 1 + i % 10,
      content: sampleBytes(2_000_000, i),
      rows: 1,
    }
  )),
  ...Array.from({ length: 1000 }, (_, i): TestEntry => (
    { section: "data", name: `tiny ${i}`, object: 100 + i, content: sampleBytes(500, i), rows: 1 }
  )),
  ...Array.from({ length: 10 }, (_, i): TestEntry => (
    { section: "pages", name: `large ${i}`, object: 1 + i, content: sampleBytes(1000, i) }
  )),
];

for (const compression of ["zstd", "gzip", "none"] as const) {
  Deno.test(`ArchiveReader reads one object by few small ranges (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries);
    const source = new MemorySource(bytes);
    const reader = await ArchiveReader.open(source, { pool, signal, record });
    const own = entries.filter(({ section, object }) => object === 4 && section === "data");
    const found = [];
    let stored = 0;
    for await (const line of reader.entries({ section: "data", object: 4 })) {
      found.push(comparable({ ...own[0]!, rows: line.rows, content: await contentOf(reader, line) }));
      stored += line.stored;
    }
    assert.deepEqual(found, own.map(comparable));
    // Head, manifest, header's frame, one piece of the index, three parts.
    assert.ok(source.reads <= 7, `${source.reads} reads`);
    assert.ok(source.bytesRead < stored + 1_300_000, `${source.bytesRead} bytes for ${stored}`);
  });

  Deno.test(`ArchiveReader.read() names a damaged part and reads the others (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries);
    const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, record });
    const lines = await Array.fromAsync(reader.entries({ section: "data", object: 4 }));
    const { offset, stored } = lines[1]!;
    bytes[offset + stored - 5000]! ^= 1;
    assert.equal((await reader.read(lines[0]!)).raw, 2_000_000);
    assert.equal((await reader.read(lines[2]!)).raw, 2_000_000);
    for (
      const read of [() => reader.read(lines[1]!), () => reader.verify(), () => contentsOf(reader.stream())]
    ) {
      await assert.rejects(read, (error) => {
        assert.ok(error instanceof VaultraError);
        assert.equal(error.family, "damaged");
        assert.match(error.message, /[Pp]art 1 of "large 3"/);
        return true;
      });
    }
  });

  Deno.test(`ArchiveReader and PipeReader refuse an archive that was cut (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries.slice(0, 20));
    for (const length of [bytes.length - 1, bytes.length - 600, bytes.length >> 1, 3000]) {
      const cut = bytes.slice(0, length);
      await assert.rejects(
        ArchiveReader.open(new MemorySource(cut), { pool, signal, record }),
        hasCode("damaged.truncated"),
      );
      await assert.rejects(
        ArchiveReader.open(new MemorySource(cut), { pool, signal }),
        hasCode("damaged.truncated"),
      );
      if (length < bytes.length - 600) {
        await assert.rejects(async () => {
          await using piped = await PipeReader.open(pipe(cut, seeded(length)), { pool, signal });
          await contentsOf(piped.entries());
        }, hasCode("damaged.truncated"));
      }
    }
  });
}

Deno.test("ArchiveReader.open() refuses an archive that is not the record's", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, record } = await testArchive(pool, "zstd", entries.slice(0, 3));
  const source = new MemorySource(bytes);
  const others: readonly [ErrorCode, Partial<BackupRecord>][] = [
    ["damaged.header", { job: "other" }],
    ["damaged.header", { engineVersion: "9" }],
    ["damaged.header", { parent: { id: record.id, record: "0".repeat(64) } }],
    ["damaged.manifest", { rows: record.rows + 1 }],
    ["damaged.manifest", { log: { start: "start", stop: "other" } }],
    ["damaged.hash", { manifest: { ...record.manifest, sha256: "0".repeat(64) } }],
    ["damaged.hash", { archive: { ...record.archive, size: record.archive.size - 1 } }],
    ["damaged.not-an-archive", { archive: { ...record.archive, compression: "gzip" } }],
  ];
  for (const [code, other] of others) {
    await assert.rejects(
      ArchiveReader.open(source, { pool, signal, record: { ...record, ...other } }),
      hasCode(code),
    );
  }
});

Deno.test("ArchiveReader.open() names the document whose frame is damaged", async () => {
  for (const compression of ["zstd", "gzip"] as const) {
    await using pool = FramePool.open({ workers: 1 });
    const small = entries.slice(0, 1);
    const { bytes, record } = await testArchive(pool, compression, small);
    const places = { "vaultra.json": 0, "manifest.json": record.manifest.offset };
    for (const [path, offset] of Object.entries(places)) {
      const damaged = bytes.slice();
      // Past the frame's own header, and before its checksum
      for (let at = offset + 30; at < offset + 60; at++) damaged[at]! ^= 255;
      for (const known of [{ record }, {}]) {
        await assert.rejects(
          ArchiveReader.open(new MemorySource(damaged), { pool, signal, ...known }),
          (error) =>
            hasCode("damaged.frame")(error) && (error as Error).message.includes(`"${path}" can't be read`),
          `${compression} ${path}`,
        );
      }
    }
  }
});

Deno.test("ArchiveReader.verify() compares the whole archive with the record's SHA-256", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, record } = await testArchive(pool, "zstd", entries.slice(0, 3));
  const known = { ...record, archive: { ...record.archive, sha256: "0".repeat(64) } };
  const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, record: known });
  await assert.rejects(() => reader.verify(), hasCode("damaged.hash"));
  const source = new MemorySource(bytes);
  const sound = await ArchiveReader.open(source, { pool, signal, record });
  source.bytesRead = 0;
  let seen = 0;
  await sound.verify(() => seen++);
  assert.equal(seen, 3);
  assert.ok(source.bytesRead < bytes.length + 2000, "the archive is read once, the index once more");
});

Deno.test("ArchiveReader.stream() stops reading when its consumer stops or the operation is aborted", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, record } = await testArchive(pool, "none", entries);
  const controller = new AbortController();
  const source = new MemorySource(bytes);
  const reader = await ArchiveReader.open(source, { pool, signal: controller.signal, record });
  for await (const _ of reader.stream()) break;
  assert.ok(source.bytesRead < bytes.length / 2);
  await assert.rejects(async () => {
    for await (const _ of reader.stream()) controller.abort(new VaultraError("terminated", "Terminated"));
  }, hasCode("terminated"));
});

Deno.test("ArchiveReader and PipeReader say that an armored archive must be decrypted first", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const bytes = new TextEncoder().encode(`-----BEGIN AGE ENCRYPTED FILE-----\n${"x".repeat(1000)}`);
  const armored = hasCode("usage.age-armored");
  await assert.rejects(ArchiveReader.open(new MemorySource(bytes), { pool, signal }), armored);
  await assert.rejects(PipeReader.open(pipe(bytes, seeded(1)), { pool, signal }), armored);
});

async function contentOf(reader: ArchiveReader, line: Parameters<ArchiveReader["read"]>[0]): Promise<Bytes> {
  const content = new Uint8Array(line.raw);
  let at = 0;
  for (const block of (await reader.read(line)).bytes) {
    content.set(block, at);
    at += block.length;
  }
  return content;
}

Deno.test("PipeReader lets whoever takes an entry give its buffers away", async () => {
  await using pool = FramePool.open({ workers: 1 });
  for (const compression of ["zstd", "none"] as const) {
    const content = sampleBytes(9 << 20, 4);
    const { bytes } = await testArchive(pool, compression, [{
      section: "data",
      name: "a",
      object: 1,
      content,
    }]);
    await using piped = await PipeReader.open(pipe(bytes, seeded(2)), { pool, signal });
    let freed = 0;
    for await (const entry of piped.entries()) {
      for (const block of entry.bytes) {
        freeBlock(block);
        if (block.length === 0) freed++;
      }
    }
    assert.ok(freed > 2);
  }
});
