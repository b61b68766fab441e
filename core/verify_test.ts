import assert from "node:assert/strict";
import { failure } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { sampleBytes } from "../tests/fakes/sample_bytes.ts";
import { testArchive, type TestEntry } from "../tests/fakes/test_archive.ts";
import type { BackupRecord, Compression, Place } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { storeSource } from "./archive/range_source.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { archiveKeyOf, recordKey } from "./catalog/keys.ts";
import { listMarks } from "./catalog/marks.ts";
import { recordBytes } from "./catalog/record.ts";
import { VaultraError } from "./errors.ts";
import { surroundings, type VaultraEvent } from "./events.ts";
import type { Operation } from "./operation.ts";
import { InProcessHost } from "../tests/fakes/in_process_host.ts";
import { once } from "./streams/blocks.ts";
import { markVerified, verify, type VerifyLevel } from "./verify.ts";

const signal = new AbortController().signal;

/** A file, and two objects of several parts that take turns. */
function contents(parts: number, bytes: number): TestEntry[] {
  const part = (object: number, at: number): TestEntry => ({
    section: "data",
    name: `table ${object}`,
    object,
    content: sampleBytes(bytes, object * 1000 + at),
    rows: 3,
  });
  const rows = Array.from({ length: parts }, (_, at) => [part(1, at), part(2, at)]).flat();
  return [{ section: "schema", name: "a.sql", content: sampleBytes(600, 1) }, ...rows];
}

/** A store with one backup, and what verifies it. */
async function stored(pool: FramePool, compression: Compression, entries: readonly TestEntry[]) {
  const { bytes, record: described } = await testArchive(pool, compression, entries);
  const record: BackupRecord = { ...described, tool: "vaultra test" };
  const store = new MemoryStore();
  const key = archiveKeyOf(record);
  await store.put(key, once(bytes));
  await store.put(recordKey(record.job, record.id), once(recordBytes(record)));
  const events: VaultraEvent[] = [];
  const operation: Operation = {
    host: new InProcessHost(),
    signal,
    surroundings,
    listener: (event) => void events.push(event),
  };
  const check = (level?: VerifyLevel) => verify(store, record, pool, operation, level);
  return { store, record, bytes, key, events, operation, check };
}

/** Reads that were asked of a store, as ranges of an archive's bytes. */
function watchReads(store: MemoryStore, key: string): { offset: number; length: number }[] {
  const reads: { offset: number; length: number }[] = [];
  const get = store.get.bind(store);
  store.get = (asked, range = { offset: 0 }) => {
    if (asked === key) reads.push({ offset: range.offset, length: range.length ?? Infinity });
    return get(asked, range);
  };
  return reads;
}

const sampled = (percent: number, seed = "1a2b3c4d"): VerifyLevel => ({ level: "sample", percent, seed });

Deno.test("verify() reads as much as its level says and tells what it read", async () => {
  await using pool = FramePool.open({ workers: 1, signal });
  // Parts of more than 1 MiB have frames of their own.
  const { check, events, bytes } = await stored(pool, "none", contents(10, 1_200_000));
  const common = {
    id: "20261124T064758Z-full-7f3a",
    objects: 2,
    kinds: [{ kind: "table", count: 2 }],
    rows: 60,
    entries: 21,
    raw: 20 * 1_200_000 + 600,
  };

  const quick = await check({ level: "quick" });
  assert.ok(quick.stored < 50_000, String(quick.stored));
  assert.deepEqual(quick, { ...common, level: "quick", parts: 0, bytes: 0, stored: quick.stored });
  assert.ok(events.some(({ type }) => type === "progress"));

  events.length = 0;
  const sample = await check(sampled(25));
  assert.deepEqual(sample, {
    ...common,
    level: "sample",
    percent: 25,
    seed: "1a2b3c4d",
    parts: 7,
    bytes: 6 * 1_200_000 + 600,
    stored: sample.stored,
  });
  assert.ok(sample.stored > 6 * 1_200_000 && sample.stored < 8 * 1_200_000, String(sample.stored));
  const last = events.findLast((event) => event.type === "progress");
  assert.deepEqual([last?.bytes, last?.total], [sample.bytes, sample.bytes]);

  events.length = 0;
  assert.deepEqual(await check(), {
    ...common,
    level: "full",
    parts: 21,
    bytes: common.raw,
    stored: bytes.length,
  });
  assert.equal(events.filter(({ type }) => type === "progress").length, 21);
});

Deno.test("verify() reads the same parts for the same seed, and others for another", async () => {
  await using pool = FramePool.open({ workers: 1, signal });
  const { check, store, key } = await stored(pool, "none", contents(10, 1_200_000));
  const reads = watchReads(store, key);
  const readsOf = async (level: VerifyLevel) => {
    reads.length = 0;
    await check(level);
    return [...reads];
  };
  const first = await readsOf(sampled(20));
  assert.deepEqual(await readsOf(sampled(20)), first);
  assert.notDeepEqual(await readsOf(sampled(20, "00000001")), first);
});

for (const compression of ["none", "zstd", "gzip"] as const) {
  Deno.test(`verify() finds a changed byte wherever its level reads (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 1, signal });
    const { check, store, record, bytes, key } = await stored(pool, compression, [
      ...contents(2, 1500),
      { section: "data", name: "large", object: 3, content: sampleBytes(1_100_000, 7), rows: 1 },
      { section: "data", name: "large", object: 3, content: sampleBytes(1_100_000, 8), rows: 1 },
    ]);
    const source = storeSource(store, key, bytes.length);
    const archive = await ArchiveReader.open(source, { pool, signal, record });
    const lines = await Array.fromAsync(archive.entries());
    const { header, index } = archive.manifest;
    // A plain tar has no frames whose checksums cover an entry together with its neighbours.
    const rangeOf = ({ offset, stored, at, raw }: Pick<Place, "offset" | "stored" | "at" | "raw">) =>
      compression === "none" ? { offset: offset + at, length: 512 + raw } : { offset, length: stored };
    const isIn = (ranges: readonly { offset: number; length: number }[], at: number) =>
      ranges.some(({ offset, length }) => at >= offset && at < offset + length);
    const documents = [header, ...index, record.manifest].map(rangeOf);
    const parts = lines.map((line) => rangeOf({ ...line, raw: line.raw + 1024 }));
    const large = lines.filter(({ object }) => object === 3).map(({ offset, stored: length }) => ({
      offset,
      length,
    }));
    const positions = [
      // A step that meets none of the bytes of a gzip header that tell nothing of the content: time, system.
      ...Array.from({ length: bytes.length }, (_, at) => at).filter((at) =>
        !isIn(large, at) && at % 79 === 0
      ),
      ...large.flatMap(({ offset, length }) =>
        [0, 0.1, 0.5, 0.9].map((part) => offset + Math.floor(length * part))
      ),
    ];
    const found = { quick: 0, sample: 0, full: 0 };
    for (const at of positions) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0xff;
      await store.put(key, once(damaged));
      if (isIn(documents, at)) {
        assert.equal((await failure(check({ level: "quick" }))).family, "damaged", `quick at ${at}`);
        found.quick++;
      } else if (isIn(parts, at)) {
        assert.equal((await failure(check(sampled(100)))).family, "damaged", `sample at ${at}`);
        found.sample++;
      } else {
        // RESTORE.md and the trailer.
        assert.equal((await failure(check())).family, "damaged", `full at ${at}`);
        found.full++;
      }
      if (isIn(large, at)) assert.equal((await check({ level: "quick" })).parts, 0);
    }
    assert.ok(found.quick > 5 && found.sample > 5, JSON.stringify(found));
    await store.put(key, once(bytes));
    await check();
  });
}

Deno.test("verify() checks the records that a backup builds on, at every level", async () => {
  await using pool = FramePool.open({ workers: 1, signal });
  const { store, record, operation } = await stored(pool, "zstd", contents(1, 10));
  const child = { ...record, parent: { id: "20261123T064758Z-full-0000", record: "0".repeat(64) } };
  for (const level of [{ level: "quick" }, sampled(1), { level: "full" }] satisfies VerifyLevel[]) {
    // The archive's own header names no parent.
    assert.equal((await failure(verify(store, child, pool, operation, level))).code, "damaged.header");
  }
  const { bytes, record: built } = await testArchive(pool, "zstd", contents(1, 10), {
    header: { ...headerOf(record), type: "incremental", parent: child.parent },
  });
  const incremental = { ...built, tool: "", type: "incremental" as const, parent: child.parent };
  await store.put(archiveKeyOf(record), once(bytes));
  for (const level of [{ level: "quick" }, sampled(1), { level: "full" }] satisfies VerifyLevel[]) {
    assert.equal(
      (await failure(verify(store, incremental, pool, operation, level))).code,
      "no-backup.parent",
    );
  }
});

function headerOf({ format, id, job, engine, engineVersion, started }: BackupRecord) {
  const options = { only: [], exclude: [], excludeData: [], proof: "rows" as const };
  return { format, id, job, engine, engineVersion, started, options, properties: {}, tool: "" };
}

Deno.test("markVerified() leaves a mark of what was checked at each verification, also within a second", async () => {
  await using pool = FramePool.open({ workers: 1, signal });
  const { store, record, operation, check } = await stored(pool, "zstd", contents(2, 100));
  const now = new Date("2026-11-25T10:00:00.250Z");
  const frozen = { ...operation, surroundings: { ...surroundings, now: () => now } };
  await markVerified(store, record, await check(sampled(50)), frozen);
  for (let times = 0; times < 2; times++) await markVerified(store, record, await check(), frozen);
  const time = now.toISOString();
  const tool = "vaultra 0.1.0";
  assert.deepEqual(
    (await listMarks(store, record)).map(({ name, time, details }) => ({ name, time, details })),
    [
      ...["verified-full-20261125t100000z", "verified-full-20261125t100001z"].map((name) => (
        { name, time, details: { level: "full", parts: 5, bytes: 1000, tool } }
      )),
      {
        name: "verified-sample-20261125t100000z",
        time,
        details: { level: "sample", percent: 50, seed: "1a2b3c4d", parts: 3, bytes: 800, tool },
      },
    ],
  );
});

Deno.test("markVerified() warns when the store takes no mark", async () => {
  await using pool = FramePool.open({ workers: 1, signal });
  const { store, record, operation, check, events } = await stored(pool, "zstd", contents(1, 100));
  const done = await check({ level: "quick" });
  events.length = 0;
  store.put = () => Promise.reject(new VaultraError("store.denied", "The store is read-only"));
  await markVerified(store, record, done, operation);
  assert.deepEqual(events.map((event) => event.type === "warning" && event.code), ["store.denied"]);
});
