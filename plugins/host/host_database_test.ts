import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type {
  BackupRequest,
  HostedDatabase,
  HostedSource,
  PartReader,
  RestoreRequest,
  SourceEvent,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import { type Bytes, type Chunk, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import { WorkerHost } from "./host.ts";
import streamPlugin, { type StreamConfig } from "./testdata/stream_plugin.ts";

const request: BackupRequest = {
  type: "full",
  only: [],
  exclude: [],
  excludeData: [],
  proof: "content",
  parallel: 1,
  limits: {},
};
const restoreRequest: RestoreRequest = {
  only: [],
  exclude: [],
  schemaOnly: false,
  dataOnly: false,
  ifExists: "fail",
  output: "database",
  salvage: false,
  proof: "content",
  version: "1",
  properties: {},
  bytes: 0,
};

function open(config: StreamConfig, signal = new AbortController().signal): Promise<HostedDatabase> {
  const registered = { plugin: streamPlugin, module: import.meta.resolve("./testdata/stream_plugin.ts") };
  const log = { debug() {}, info() {}, warn() {} };
  return new WorkerHost().openDatabase(registered, config, { purpose: "backup", signal, log });
}

/** Reads a source to its end; `take` releases the chunks. */
async function readAll(source: HostedSource, take: (chunk: Chunk) => void | Promise<void>): Promise<string> {
  const hash = createHash("sha256");
  for await (const event of source.events()) {
    if (event.type !== "data") continue;
    hash.update(event.chunk.bytes);
    await take(event.chunk);
  }
  return `sha256:${hash.digest("hex")}`;
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

Deno.test("HostedSource.events() brings 256 MiB unchanged, in recycled buffers", async () => {
  await using database = await open({ act: "large", bytes: (256 << 20) + 12_345 });
  await using source = await database.backup(request);
  const read = await readAll(source, (chunk) => chunk.release());
  const { objects: [object] } = await source.finish();
  assert.equal(read, object!.proof);
  assert(object!.rows! <= 48, `${object!.rows} new buffers for 257 pieces`);
});

Deno.test("HostedSource.events() keeps to its window while the consumer holds all it got", async () => {
  await using database = await open({ act: "large", bytes: 128 << 20 });
  await using source = await database.backup(request);
  const held: Chunk[] = [];
  const hash = createHash("sha256");
  const iterator = source.events()[Symbol.asyncIterator]();
  let most = 0;
  // What is held is given back only when nothing more comes.
  for (let pending = iterator.next();;) {
    const quiet = Promise.withResolvers<void>();
    const timer = setTimeout(quiet.resolve, 150);
    const next = await Promise.race([pending, quiet.promise]);
    clearTimeout(timer);
    if (next === undefined) {
      for (const chunk of held.splice(0)) chunk.release();
      continue;
    }
    if (next.done) break;
    if (next.value.type === "data") {
      hash.update(next.value.chunk.bytes);
      most = Math.max(most, held.push(next.value.chunk));
    }
    pending = iterator.next();
  }
  assert.equal(most, 8);
  const { objects: [object] } = await source.finish();
  assert.equal(`sha256:${hash.digest("hex")}`, object!.proof);
});

Deno.test("HostedSource.events() lets several connections fill a part each, side by side", async () => {
  await using database = await open({ act: "side by side", bytes: 15 << 20 });
  await using source = await database.backup(request);
  let bytes = 0;
  for await (const event of source.events()) {
    if (event.type !== "data") continue;
    bytes += event.chunk.bytes.length;
    event.chunk.release();
  }
  assert.equal(bytes, 6 * (15 << 20));
});

Deno.test("Chunk.release() takes a buffer back that was transferred onward", async () => {
  await using database = await open({ act: "large", bytes: 64 << 20 });
  await using source = await database.backup(request);
  const read = await readAll(source, ({ bytes, release }) => {
    const moved = structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    release(moved);
  });
  const { objects: [object] } = await source.finish();
  assert.equal(read, object!.proof);
  assert(object!.rows! <= 48, `${object!.rows} new buffers`);
});

Deno.test("Chunk.release() does without a buffer that was lost", async () => {
  await using database = await open({ act: "large", bytes: 64 << 20 });
  await using source = await database.backup(request);
  const read = await readAll(source, ({ bytes, release }) => {
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    release();
  });
  assert.equal(read, (await source.finish()).objects[0]!.proof);
});

Deno.test("HostedSource.events() brings 10,000 tiny entries in order", async () => {
  await using database = await open({ act: "small entries" });
  await using source = await database.backup(request);
  const hash = createHash("sha256");
  const names: string[] = [];
  let ends = 0;
  for await (const event of source.events()) {
    if (event.type === "begin") names.push(event.entry.name);
    else if (event.type === "end") ends += event.summary.rows!;
    else {
      assert(event.chunk.bytes.buffer.byteLength < 100, "a tiny entry needs no buffer of 1 MiB");
      hash.update(event.chunk.bytes);
      event.chunk.release();
    }
  }
  assert.deepEqual([names.length, names[0], names[9_999], ends], [10_000, "table 1", "table 10000", 10_000]);
  assert.equal(`sha256:${hash.digest("hex")}`, (await source.finish()).objects[0]!.proof);
});

Deno.test("HostedSource.events() keeps interleaved entries apart", async () => {
  await using database = await open({ act: "interleaved" });
  await using source = await database.backup(request);
  const objects = new Map<number, number>();
  const bytes = new Map<number, number>();
  for await (const event of source.events()) {
    if (event.type === "begin") objects.set(event.stream, event.entry.object!);
    if (event.type !== "data") continue;
    const object = objects.get(event.stream)!;
    assert(event.chunk.bytes.every((byte) => byte === object));
    bytes.set(object, (bytes.get(object) ?? 0) + event.chunk.bytes.length);
    event.chunk.release();
  }
  assert.deepEqual([...bytes].sort(), [1, 2, 3].map((object) => [object, 500 * 7_001]));
});

for (
  const [act, code] of [
    ["breaks", "database.gone"],
    ["two writes", "plugin.order"],
    ["open end", "plugin.malformed"],
    ["too many begins", "plugin.flood"],
  ] as const
) {
  Deno.test(`HostedSource.events() fails with ${code}: ${act}`, async () => {
    await using database = await open({ act });
    await using source = await database.backup(request);
    const events: SourceEvent[] = [];
    await assert.rejects(async () => {
      for await (const event of source.events()) {
        events.push(event);
        if (event.type === "data") event.chunk.release();
        if (act === "too many begins") await pause(2_000);
      }
    }, (error) => error instanceof VaultraError && error.code === code);
    assert(events.length > 0, "what came before the error is told");
  });
}

Deno.test("HostedSource.events() ends at once when the operation is cancelled", async () => {
  const controller = new AbortController();
  await using database = await open({ act: "endless" }, controller.signal);
  await using source = await database.backup(request);
  let chunks = 0;
  await assert.rejects(async () => {
    for await (const event of source.events()) {
      if (event.type !== "data") continue;
      event.chunk.release();
      if (++chunks === 100) controller.abort(new VaultraError("interrupted", "Interrupted"));
    }
  }, (error) => error instanceof VaultraError && error.code === "interrupted");
  assert.equal(chunks, 100);
});

Deno.test("HostedSource.events() lets its consumer leave early, and the database go on", async () => {
  await using database = await open({ act: "endless" });
  {
    await using source = await database.backup(request);
    let chunks = 0;
    for await (const event of source.events()) {
      if (event.type !== "data") continue;
      event.chunk.release();
      if (++chunks === 10) break;
    }
  }
  await using target = await database.restore(restoreRequest);
  assert.deepEqual((await target.plan()).steps, ["Hash"]);
});

Deno.test("RestoreTarget.write() takes entries of any size and shape of blocks", async () => {
  await using database = await open({ act: "large" });
  await using target = await database.restore(restoreRequest);
  const hash = createHash("sha256");
  const whole = new Uint8Array(3 << 20).fill(7);
  const slices = new Uint8Array(100).map((_, index) => index);
  for (
    const bytes of [[], [slices.subarray(10, 20), slices.subarray(0, 5)], [whole, new Uint8Array(5).fill(9)]]
  ) {
    for (const block of bytes) hash.update(block);
    await target.write({ section: "data", name: "x", object: 1, part: 0, rows: 2, continues: false, bytes });
  }
  const { objects: [object] } = await target.commit();
  assert.deepEqual([object!.proof, object!.rows], [`sha256:${hash.digest("hex")}`, 6]);
  assert.equal(slices[99], 99, "a buffer that holds more stays here");
});

Deno.test("RestoreTarget.pull() reads parts through the host, and its errors reach the target", async () => {
  await using database = await open({ act: "large" });
  const parts = [new Uint8Array(16 << 20).fill(1), new Uint8Array(10).fill(2)];
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  const reader: PartReader = {
    layout: () => Promise.resolve(parts.map((part) => part.length)),
    read: (_section, _object, part) => Promise.resolve(parts[part]!.slice()),
  };
  await using target = await database.restore(restoreRequest);
  await target.pull(reader);
  assert.equal((await target.commit()).objects[0]!.proof, `sha256:${hash.digest("hex")}`);

  await using other = await database.restore(restoreRequest);
  const damaged: PartReader = {
    ...reader,
    read: () => Promise.reject(new VaultraError("damaged.part", "Part 0 is damaged")),
  };
  await assert.rejects(
    other.pull(damaged),
    (error) => error instanceof VaultraError && error.code === "damaged.part",
  );
});

Deno.test("RestoreTarget.script() streams the script", async () => {
  await using database = await open({ act: "large" });
  await using target = await database.restore(restoreRequest);
  const hash = createHash("sha256");
  const blocks: Bytes[] = [];
  for await (const block of target.script()) {
    hash.update(block);
    blocks.push(block);
  }
  assert(blocks.every((block) => block.length <= CHUNK_BYTES));
  assert.equal((await target.commit()).objects[0]!.proof, `sha256:${hash.digest("hex")}`);
});
