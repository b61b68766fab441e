import assert from "node:assert/strict";
import { type ErrorCode, VaultraError } from "../errors.ts";
import type { SourceObject } from "../database.ts";
import type { Bytes } from "../streams/bytes.ts";
import { FramePool } from "./frame_pool.ts";
import { ArchiveReader } from "./reader.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import {
  collect,
  contentsOf,
  MemorySource,
  recordOf,
  testArchive,
  type TestEntry,
  testWriter,
  writeEntries,
} from "../../tests/fakes/test_archive.ts";
import type { ArchiveWriter } from "./writer.ts";

const now = new Date("2026-11-24T06:48:00Z");
const data = { section: "data", name: "users", object: 1 } as const;
const chunk = (bytes: Bytes) => ({ bytes, release() {} });
const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof VaultraError && error.code === code;

/** Runs `produce` on a writer and expects both sides to fail with the code. */
async function refused(code: ErrorCode, produce: (writer: ArchiveWriter) => Promise<unknown>): Promise<void> {
  await using pool = FramePool.open({ workers: 1 });
  const writer = testWriter(pool, "zstd");
  const output = assert.rejects(collect(writer.output), hasCode(code));
  await assert.rejects(() => produce(writer), hasCode(code));
  await output;
}

const faults: readonly [
  title: string,
  code: ErrorCode,
  produce: (writer: ArchiveWriter) => Promise<unknown>,
][] = [
  ["a section after a later one", "plugin.order", (writer) =>
    writeEntries(writer, [
      { section: "schema-after", name: "a.sql", content: sampleBytes(1, 1) },
      { ...data, content: sampleBytes(1, 1) },
    ])],
  ["a section after a later one that was held up by an earlier part", "plugin.order", async (writer) => {
    const first = writer.begin(data);
    const second = writer.begin(data);
    await second.end({});
    await writer.begin({ section: "pages", name: "users", object: 1 }).end({});
    await first.end({});
  }],
  [
    "a file twice",
    "plugin.order",
    (writer) =>
      writeEntries(
        writer,
        ["a.sql", "A.sql"].map((name) => ({ section: "schema", name, content: sampleBytes(1, 1) })),
      ),
  ],
  [
    "an object by two names",
    "plugin.order",
    (writer) =>
      writeEntries(writer, ["a", "b"].map((name) => ({ ...data, name, content: sampleBytes(1, 1) }))),
  ],
  [
    "an object without a number",
    "plugin.order",
    async (writer) => await writer.begin({ section: "data", name: "users" }).end({}),
  ],
  [
    "an object numbered 0",
    "plugin.order",
    async (writer) => await writer.begin({ ...data, object: 0 }).end({}),
  ],
  [
    "a file outside of its folder",
    "plugin.bad-name",
    async (writer) => await writer.begin({ section: "schema", name: "../a" }).end({}),
  ],
  [
    "a file named like a device",
    "plugin.bad-name",
    async (writer) => await writer.begin({ section: "schema", name: "aux.sql" }).end({}),
  ],
  [
    "an object's name with NUL",
    "plugin.bad-name",
    async (writer) => await writer.begin({ ...data, name: "a\0" }).end({}),
  ],
  [
    "an object's name with half a character",
    "plugin.bad-name",
    async (writer) => await writer.begin({ ...data, name: "\ud800" }).end({}),
  ],
  [
    "a part longer than 16 MiB",
    "plugin.part-too-long",
    (writer) => writeEntries(writer, [{ ...data, content: new Uint8Array((16 << 20) + 1) }]),
  ],
  ["an entry written after its end", "plugin.order", async (writer) => {
    const part = writer.begin(data);
    await part.end({});
    await part.write(chunk(sampleBytes(1, 1)));
  }],
  ["65 entries at a time", "plugin.order", async (writer) => {
    for (let object = 1; object <= 65; object++) writer.begin({ ...data, object });
    await Promise.resolve();
  }],
  [
    "a negative number of rows",
    "plugin.summary",
    async (writer) => await writer.begin(data).end({ rows: -1 }),
  ],
  [
    "rows in a file",
    "plugin.summary",
    async (writer) => await writer.begin({ section: "schema", name: "a.sql" }).end({ rows: 1 }),
  ],
  ["an entry that never ends", "plugin.order", async (writer) => {
    writer.begin(data);
    await writer.finish({ stop: "", objects: [] }, now);
  }],
  ["a summary without an object", "plugin.summary", (writer) => finishWith(writer, [])],
  [
    "a summary with another name",
    "plugin.summary",
    (writer) => finishWith(writer, [{ name: "a", kind: "t", object: 1 }]),
  ],
  [
    "a summary with other rows",
    "plugin.summary",
    (writer) => finishWith(writer, [{ name: "users", kind: "table", object: 1, rows: 3 }]),
  ],
  [
    "a summary with an object twice",
    "plugin.summary",
    (writer) => finishWith(writer, [1, 2].map((object) => ({ name: "users", kind: "table", object }))),
  ],
  [
    "a summary with an unknown container",
    "plugin.summary",
    (writer) =>
      finishWith(writer, [{ name: "users", kind: "table", object: 1 }, {
        name: "a",
        kind: "table",
        within: 2,
      }]),
  ],
  ["a row that never ends", "plugin.summary", async (writer) => {
    await writer.begin(data).end({ rows: 1, continues: true });
    await writer.finish({ stop: "", objects: [{ name: "users", kind: "table", object: 1 }] }, now);
  }],
];

async function finishWith(writer: ArchiveWriter, objects: SourceObject[]): Promise<void> {
  await writeEntries(writer, [{ ...data, content: sampleBytes(10, 1), rows: 2 }]);
  await writer.finish({ stop: "", objects }, now);
}

for (const [title, code, produce] of faults) {
  Deno.test(`ArchiveWriter refuses ${title}`, () => refused(code, produce));
}

Deno.test("ArchiveWriter.begin() lets entries overlap and puts an object's parts in order", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const writer = testWriter(pool, "zstd");
  const output = collect(writer.output);
  const contents = [sampleBytes(3 << 20, 1), sampleBytes(5, 2), sampleBytes(4 << 20, 3)] as const;
  const first = writer.begin(data);
  const second = writer.begin(data);
  const other = writer.begin({ ...data, name: "orders", object: 2 });
  for (
    const [part, content] of [[second, contents[1]], [other, contents[2]], [first, contents[0]]] as const
  ) {
    for (let at = 0; at < content.length; at += 1 << 20) {
      await part.write(
        chunk(content.slice(at, at + (1 << 20))),
      );
    }
  }
  await second.end({ rows: 2 });
  await other.end({ rows: 3 });
  await first.end({ rows: 1 });
  const objects = [["users", 1], ["orders", 2]].map(([name, object]) => (
    { name: String(name), kind: "table", object: Number(object), rows: 3 }
  ));
  const totals = await writer.finish({ stop: "stop", objects }, now);
  const reader = await ArchiveReader.open(new MemorySource(await output), {
    pool,
    signal: new AbortController().signal,
    record: recordOf(totals, "zstd"),
  });
  const entries = await contentsOf(reader.stream());
  assert.deepEqual(entries.map(({ name, rows }) => [name, rows]), [["orders", 3], ["users", 1], [
    "users",
    2,
  ]]);
  assert.deepEqual(entries.map(({ content }) => content), [contents[2], contents[0], contents[1]]);
});

Deno.test("PartWriter.write() releases every chunk, also of an archive that failed", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const writer = testWriter(pool, "zstd");
  const part = writer.begin(data);
  let released = 0;
  const counted = { bytes: sampleBytes(100, 1), release: () => released++ };
  await part.write(counted);
  writer.abort(new VaultraError("database.gone", "The database went away"));
  await assert.rejects(() => part.write(counted), hasCode("database.gone"));
  assert.equal(released, 2);
});

const many: readonly TestEntry[] = Array.from(
  { length: 40 },
  () => ({ ...data, content: sampleBytes(2 << 20, 7) }),
);

Deno.test("ArchiveWriter.output that fails fails the producers with its consumer's stop", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const writer = testWriter(pool, "zstd");
  const consumer = (async () => {
    for await (const _ of writer.output) throw new VaultraError("store.disk-full", "The disk is full");
  })();
  await assert.rejects(() => writeEntries(writer, many), hasCode("failed.output-closed"));
  await assert.rejects(() => consumer, hasCode("store.disk-full"));
});

Deno.test("ArchiveWriter.output holds the producers up while nobody takes it", async () => {
  for (const compression of ["zstd", "none"] as const) {
    await using pool = FramePool.open({ workers: 2 });
    const writer = testWriter(pool, compression);
    let begun = 0;
    const produced = writeEntries(
      writer,
      many.values().map((entry) => {
        begun++;
        return entry;
      }),
    ).then(() => "ended");
    await Promise.race([produced, new Promise((resolve) => setTimeout(resolve, 300))]);
    assert.ok(begun < 20, `${begun} entries were taken`);
    const output = collect(writer.output);
    assert.equal(await produced, "ended");
    await writer.finish({ stop: "", objects: [{ name: "users", kind: "table", object: 1 }] }, now);
    assert.equal((await output).length, writer.stored);
  }
});

Deno.test("ArchiveWriter fails both sides with the reason of an abort", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const controller = new AbortController();
  const writer = testWriter(pool, "zstd", { signal: controller.signal });
  const output = assert.rejects(collect(writer.output), hasCode("interrupted"));
  const part = writer.begin(data);
  await part.write(chunk(sampleBytes(1 << 20, 1)));
  controller.abort(new VaultraError("interrupted", "Interrupted"));
  await output;
  await assert.rejects(() => part.end({}), hasCode("interrupted"));
  await assert.rejects(() => writer.finish({ stop: "", objects: [] }, now), hasCode("interrupted"));
});

Deno.test("ArchiveWriter.finish() tells the archive's size, hash and totals", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, totals } = await testArchive(pool, "gzip", many.slice(0, 3));
  assert.equal(totals.size, bytes.length);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  assert.equal(totals.sha256, new Uint8Array(digest).toHex());
  assert.deepEqual([totals.entries, totals.objects, totals.raw], [3, 1, 6 << 20]);
});
