import assert from "node:assert/strict";
import { join } from "node:path";
import { unpackTar } from "modern-tar";
import { parsePath } from "./entry_path.ts";
import { codecNamed } from "./codecs.ts";
import { joinBlocks } from "../streams/blocks.ts";
import { FramePool } from "./frame_pool.ts";
import { splitFrames } from "./frame_splitter.ts";
import { parseLine } from "./index_line.ts";
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
const text = (content: string) => new TextEncoder().encode(content);

/** Whole rows, rows over several parts, empty and full parts, and names that no file system would take. */
const entries: readonly TestEntry[] = [
  { section: "schema", name: "tables.sql", content: text("CREATE TABLE a;\n") },
  { section: "schema", name: "nothing", content: text("") },
  { section: "data", name: "users", object: 1, content: sampleBytes(300_000, 1), rows: 10 },
  {
    section: "data",
    name: "../../etc/passwd\n\u{1F600} \\ \"'",
    object: 2,
    content: sampleBytes(5_000_000, 2),
    rows: 1,
    continues: true,
  },
  { section: "data", name: "users", object: 1, content: text(""), rows: 0 },
  {
    section: "data",
    name: "../../etc/passwd\n\u{1F600} \\ \"'",
    object: 2,
    content: sampleBytes(1 << 20, 3),
    rows: 7,
  },
  { section: "data", name: ".", object: 3, content: sampleBytes(16 << 20, 4), rows: 3 },
  ...Array.from({ length: 3000 }, (_, i): TestEntry => (
    { section: "data", name: `tiny ${i}.`, object: 10 + i, content: sampleBytes(i % 700, i), rows: i % 3 }
  )),
  { section: "data", name: "ü".repeat(65_536), object: 999_999, content: text("x"), rows: 1 },
  { section: "data", name: ".", object: 3, content: sampleBytes((2 << 20) - 2048, 5), rows: 3 },
  { section: "data", name: ".", object: 3, content: sampleBytes((3 << 20) + 5, 6), rows: 3 },
  { section: "pages", name: ".", object: 3, content: sampleBytes(64_000, 7) },
  { section: "schema-after", name: "indexes.sql", content: text("CREATE INDEX b;\n") },
];

for (const compression of ["zstd", "gzip", "none"] as const) {
  Deno.test(`ArchiveWriter and its readers give back what was written (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries);
    const expected = entries.map(comparable);

    const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, record });
    assert.deepEqual(await contentsOf(reader.stream()), expected);
    assert.equal((await reader.verify()).sha256, record.archive.sha256);

    const found = await ArchiveReader.open(new MemorySource(bytes), { pool, signal });
    assert.deepEqual(found.manifest, reader.manifest);
    let line = 0;
    for await (const entry of found.entries()) {
      if (line % 100 === 0 || entry.raw > 4000) {
        assert.deepEqual(joinBlocks([...(await found.read(entry)).bytes]), expected[line]!.content);
      }
      line++;
    }
    assert.equal(line, expected.length);

    await using piped = await PipeReader.open(pipe(bytes, seeded(8)), { pool, signal });
    assert.deepEqual(await contentsOf(piped.entries()), expected);
    assert.deepEqual(piped.manifest, reader.manifest);
  });

  Deno.test(`ArchiveWriter makes what standard tools unpack to the same bytes (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries);
    const folder = await Deno.makeTempDir();
    try {
      const archive = join(folder, record.archive.name);
      await Deno.writeFile(archive, bytes);
      const options = { zstd: ["--zstd", "-xf"], gzip: ["-xzf"], none: ["-xf"] }[compression];
      await Deno.mkdir(join(folder, "out"));
      await run("tar", [...options, archive, "-C", join(folder, "out")]);
      await checkUnpacked(join(folder, "out"));
      if (compression === "zstd") await run("zstd", ["-t", archive]);
      if (compression === "gzip") await run("gzip", ["-t", archive]);
      const tar = compression === "none" ? bytes : await run(compression, ["-dc", archive]);
      await checkWithModernTar(tar);
      // What the tools print is a plain tar, which reads like any other.
      await using piped = await PipeReader.open(pipe(tar, seeded(9)), { pool, signal });
      assert.deepEqual(await contentsOf(piped.entries()), entries.map(comparable));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  Deno.test(`ArchiveWriter cuts frames as the format says (${compression})`, async () => {
    if (compression === "none") return;
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, entries);
    const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, record });
    const raw = new Map<number, number>();
    for await (
      const frame of splitFrames(new MemorySource(bytes).stream(0), codecNamed(compression), 8 << 20)
    ) {
      raw.set(frame.offset, codecNamed(compression).decompress(frame.bytes, 8 << 20).length);
    }
    const offsets = [...raw.keys()];
    for await (const line of reader.entries()) {
      const inside = offsets.filter((offset) => offset >= line.offset && offset < line.offset + line.stored);
      assert.equal(inside[0], line.offset, "the range begins at a frame");
      const lengths = inside.map((offset) => raw.get(offset)!);
      if (line.raw > (1 << 20)) {
        assert.equal(line.at, 0);
        for (const length of lengths) {
          assert.ok(length >= 1 << 20 && length <= 4 << 20, `piece of ${length} bytes`);
        }
      } else if (lengths.length > 1 || lengths[0]! > 1 << 20) assert.equal(line.at, 0);
    }
  });
}

Deno.test("ArchiveWriter writes the same archive for the same entries", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const first = await testArchive(pool, "zstd", entries);
  const second = await testArchive(pool, "zstd", entries);
  assert.equal(first.totals.sha256, second.totals.sha256);
});

Deno.test("ArchiveWriter makes an archive without entries", async () => {
  await using pool = FramePool.open({ workers: 1 });
  for (const compression of ["zstd", "gzip", "none"] as const) {
    const { bytes, record } = await testArchive(pool, compression, []);
    for (const known of [{ record }, {}]) {
      const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, ...known });
      assert.deepEqual(await contentsOf(reader.stream()), []);
    }
    await using piped = await PipeReader.open(pipe(bytes, seeded(1)), { pool, signal });
    assert.deepEqual(await contentsOf(piped.entries()), []);
  }
});

/** Compares the unpacked files with the entries: by the index, in the order of the archive. */
async function checkUnpacked(folder: string): Promise<void> {
  const lines = (await Deno.readTextFile(join(folder, "index/0.jsonl"))).trimEnd().split("\n").map(parseLine);
  assert.equal(lines.length, entries.length);
  for (const [i, line] of lines.entries()) {
    assert.deepEqual(
      await Deno.readFile(join(folder, line.path)),
      new Uint8Array(entries[i]!.content),
      line.path,
    );
  }
  for (const document of ["vaultra.json", "manifest.json"]) {
    JSON.parse(await Deno.readTextFile(join(folder, document)));
  }
}

async function checkWithModernTar(tar: Uint8Array): Promise<void> {
  const unpacked = await unpackTar(tar, { strict: true });
  const files = unpacked.filter(({ header }) =>
    parsePath(header.name)?.kind === "part" || parsePath(header.name)?.kind === "file"
  );
  assert.equal(files.length, entries.length);
  for (const [i, { header, data }] of files.entries()) {
    assert.equal(
      header.pax?.["VAULTRA.object"],
      entries[i]!.object === undefined ? undefined : entries[i]!.name,
    );
    assert.deepEqual(new Uint8Array(data ?? []), new Uint8Array(entries[i]!.content), header.name);
  }
}

async function run(command: string, args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new Uint8Array(stdout);
}
