import assert from "node:assert/strict";
import { concat, inBlocks, sampleBytes, sha256 } from "../../tests/fakes/sample_bytes.ts";
import { seeded } from "../seeded.ts";
import {
  MemorySource,
  type TestArchive,
  testArchive,
  type TestEntry,
  testHeader,
} from "../../tests/fakes/test_archive.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type Compression, compressions } from "./format.ts";
import { FramePool } from "./frame_pool.ts";
import { ArchiveReader } from "./reader.ts";
import { SalvageReader } from "./salvage_reader.ts";

const { signal } = new AbortController();

/** Files, small parts that share frames, parts of several frames, a row over two parts. */
function contents(compression: Compression): TestEntry[] {
  // Frames of their own, which compress to a few bytes.
  const large = compression === "none" ? 3_000 : 1_100_000;
  const data = (object: number, name: string, content: Bytes, rows = 1, more = {}): TestEntry => (
    { section: "data", object, name, content, rows, ...more }
  );
  return [
    { section: "schema", name: "tables.sql", content: sampleBytes(200, 1) },
    data(1, "users", sampleBytes(300, 2), 3, { continues: true }),
    data(2, "naïve \u{1f600}", new Uint8Array(large).fill(7)),
    data(1, "users", sampleBytes(100, 3), 2),
    data(3, "events", new Uint8Array(large * 3).fill(8)),
    data(2, "naïve \u{1f600}", sampleBytes(150, 4)),
    { section: "pages", object: 3, name: "events", content: sampleBytes(64, 5) },
    { section: "schema-after", name: "indexes.sql", content: sampleBytes(100, 6) },
  ];
}

interface Whole {
  readonly title: string;
  /** Where its last frame ends; of a plain tar where its padding ends. */
  readonly end: number;
}

/** What the archive holds, by its index. */
async function wholeOf(pool: FramePool, { bytes }: TestArchive): Promise<Whole[]> {
  const archive = await ArchiveReader.open(new MemorySource(bytes), { pool, signal });
  const lines = await Array.fromAsync(archive.entries());
  const isPlain = archive.compression === "none";
  const after = [...lines.slice(1), archive.manifest.index[0]!];
  return lines.map(({ path, sha256, rows, offset, stored }, i) => ({
    title: `${path} ${rows} ${sha256}`,
    end: isPlain ? after[i]!.offset + after[i]!.at : offset + stored,
  }));
}

interface Salvaged {
  readonly titles: string[];
  readonly reader: SalvageReader;
}

async function salvage(pool: FramePool, bytes: Bytes, compression: Compression): Promise<Salvaged> {
  const reader = await SalvageReader.open(inBlocks(bytes, [1000, 65_536]), { pool, signal, compression });
  const titles: string[] = [];
  for await (const { path, rows, bytes } of reader.entries()) {
    titles.push(`${path} ${rows} ${sha256(...bytes)}`);
  }
  return { titles, reader };
}

function missingOf({ reader }: Salvaged): string[] {
  return reader.inventory.objects().flatMap(({ name, missing, pages }) => [
    ...missing.map(([first, last]) => `${name} ${first}-${last}`),
    ...(pages?.missing ?? []).map(([first, last]) => `${name} pages ${first}-${last}`),
  ]);
}

for (const compression of compressions) {
  Deno.test(`SalvageReader finds everything in a whole archive, ${compression}`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const archive = await testArchive(pool, compression, contents(compression));
    const whole = await wholeOf(pool, archive);
    const done = await salvage(pool, archive.bytes, compression);
    assert.deepEqual(done.titles, whole.map(({ title }) => title));
    assert.deepEqual(done.reader.damagedDocuments, []);
    assert.deepEqual(missingOf(done), []);
    assert.deepEqual(done.reader.inventory.missingFiles, []);
    assert.equal(done.reader.lost, compression === "none" ? done.reader.lost : 0);
    assert.ok(done.reader.inventory.objects().every(({ exact }) => exact));
    assert.equal(done.reader.foreign, 0);
    assert.equal(done.reader.header!.id, testHeader.id);
  });

  Deno.test(`SalvageReader finds all that is whole before a cut, wherever it is, ${compression}`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const archive = await testArchive(pool, compression, contents(compression));
    const whole = await wholeOf(pool, archive);
    const { length } = archive.bytes;
    const cuts = new Set(whole.flatMap(({ end }) => [end - 1, end, end + 1]));
    for (let cut = 1; cut < length; cut += Math.ceil(length / 120)) cuts.add(cut);
    for (const cut of cuts) {
      const done = await salvage(pool, archive.bytes.slice(0, cut), compression);
      const expected = whole.filter(({ end }) => end <= cut).map(({ title }) => title);
      assert.deepEqual(done.titles, expected, `cut at ${cut} of ${archive.bytes.length}`);
    }
  });

  Deno.test(`SalvageReader loses nothing but what a flipped bit stands in, ${compression}`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const archive = await testArchive(pool, compression, contents(compression));
    const whole = await wholeOf(pool, archive);
    const random = seeded(5);
    for (let run = 0; run < 100; run++) {
      const copy = archive.bytes.slice();
      const at = Math.floor(random() * copy.length);
      copy[at]! ^= 1 << Math.floor(random() * 8);
      const done = await salvage(pool, copy, compression);
      const title = `bit of byte ${at} of ${copy.length} flipped`;
      const hit = whole.findIndex(({ end }) => end > at);
      const end = whole[hit]?.end;
      // Small entries share one frame.
      const lost = new Set(
        whole.filter((each, i) => compression === "none" ? i === hit : each.end === end).map(({ title }) =>
          title
        ),
      );
      const sure = whole.map(({ title }) => title).filter((each) => !lost.has(each));
      assert.deepEqual(sure.filter((each) => !done.titles.includes(each)), [], title);
    }
  });

  Deno.test(`SalvageReader goes on after a lost middle and reads doubled bytes once, ${compression}`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const archive = await testArchive(pool, compression, contents(compression));
    const whole = await wholeOf(pool, archive);
    const { bytes } = archive;
    const random = seeded(6);
    for (let run = 0; run < 100; run++) {
      const [from, to] = [random(), random()].map((at) => Math.floor(at * bytes.length)).sort((a, b) =>
        a - b
      ) as [
        number,
        number,
      ];
      const isLoss = run % 2 === 0;
      const joined = isLoss
        ? concat([bytes.subarray(0, from), bytes.subarray(to)])
        : concat([bytes.subarray(0, to), bytes.subarray(from)]);
      const done = await salvage(pool, joined, compression);
      const starts = [0, ...whole.map(({ end }) => end)];
      const kept = whole.filter(({ end }, i) => {
        const start = compression === "none" ? starts[i]! : Math.max(...starts.filter((each) => each < end));
        return isLoss ? end <= from || start >= to : end <= to || start >= from;
      });
      const title = `${isLoss ? "lost" : "doubled"} ${from} to ${to} of ${bytes.length}`;
      assert.deepEqual(
        kept.map(({ title }) => title).filter((each) => !done.titles.includes(each)),
        [],
        title,
      );
      assert.equal(new Set(done.titles).size, done.titles.length, title);
      assert.deepEqual(done.titles.filter((each) => !whole.some(({ title }) => title === each)), [], title);
    }
  });
}

Deno.test("SalvageReader names what is missing by manifest and index, and tells what it can without them", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const archive = await testArchive(pool, "zstd", contents("zstd"));
  const [large] = await Array.fromAsync(
    (await ArchiveReader.open(new MemorySource(archive.bytes), { pool, signal })).entries({
      object: 3,
      section: "data",
    }),
  );
  const { offset, stored } = large!;
  const damaged = archive.bytes.slice();
  // The second of its frames, so that its header can be read.
  damaged[offset + stored - 6]! ^= 1;
  const known = await salvage(pool, damaged, "zstd");
  assert.deepEqual(missingOf(known), ["events 0-0"]);
  assert.ok(known.reader.lost > 0);
  assert.deepEqual(known.reader.inventory.layout("data", 3), [3_300_000]);
  assert.ok(known.reader.inventory.objects().every(({ exact }) => exact));

  const cut = await salvage(pool, damaged.slice(0, offset + stored), "zstd");
  assert.deepEqual(missingOf(cut), ["events 0-0"]);
  assert.deepEqual(cut.reader.damagedDocuments, ["manifest.json"]);
  assert.deepEqual(cut.reader.inventory.layout("data", 3), [3_300_000]);
  assert.ok(cut.reader.inventory.objects().every(({ exact }) => !exact));
});

Deno.test("SalvageReader reads the first of two archives, and leaves out what belongs to another backup", async () => {
  await using pool = FramePool.open({ workers: 2 });
  for (const compression of compressions) {
    const archive = await testArchive(pool, compression, contents(compression));
    const other = await testArchive(pool, compression, [
      { section: "data", object: 1, name: "users", content: sampleBytes(70, 9), rows: 1 },
      { section: "data", object: 9, name: "others", content: sampleBytes(70, 9), rows: 1 },
    ], { header: { ...testHeader, id: "20261124T064759Z-full-0001", started: "2026-11-24T06:47:59Z" } });
    const whole = (await wholeOf(pool, archive)).map(({ title }) => title);
    const done = await salvage(pool, concat([archive.bytes, other.bytes]), compression);
    assert.deepEqual(done.titles, whole);
    assert.equal(done.reader.foreign, 6);
    assert.equal(done.reader.manifest!.id, testHeader.id);
    assert.deepEqual(missingOf(done), []);
    // The same archive once more fills what the first copy lacks.
    const cut = archive.bytes.slice(0, Math.floor(archive.bytes.length / 3));
    const twice = await salvage(pool, concat([cut, archive.bytes]), compression);
    assert.deepEqual(twice.titles.toSorted(), whole.toSorted());
    assert.deepEqual(missingOf(twice), []);
  }
});

Deno.test("SalvageReader.open() finds an archive behind a damaged beginning, and refuses what holds none", async () => {
  await using pool = FramePool.open({ workers: 2 });
  for (const compression of compressions) {
    const archive = await testArchive(pool, compression, contents(compression));
    const whole = (await wholeOf(pool, archive)).map(({ title }) => title);
    const damaged = concat([sampleBytes(70_000, 3), archive.bytes.subarray(60)]);
    const reader = await SalvageReader.open(inBlocks(damaged, [5000]), { pool, signal });
    assert.equal(reader.compression, compression);
    const entries = await Array.fromAsync(reader.entries());
    assert.ok(entries.length >= whole.length - 5, compression);
    assert.ok(reader.damagedDocuments.includes("vaultra.json"));
    assert.equal(reader.manifest?.id, testHeader.id);
  }
  for (const nothing of [new Uint8Array(0), sampleBytes(9 << 20, 4)]) {
    await assert.rejects(SalvageReader.open(inBlocks(nothing, [65_536]), { pool, signal }), {
      code: "damaged.not-an-archive",
    });
  }
});
