import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import type { ObjectStore } from "../../core/store.ts";
import { type ByteStream, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import { builtin } from "../builtin.ts";
import { storeSuite } from "../../tests/conformance/store_suite.ts";
import { WorkerHost } from "./host.ts";
import madeUp, { type StoreConfig } from "./testdata/store_plugin.ts";

const quiet = { debug() {}, info() {}, warn() {} };

storeSuite("WorkerHost file", async () => {
  const folder = await Deno.makeTempDir();
  const { signal } = new AbortController();
  const store = await new WorkerHost().openStore(builtin.get("store", "file"), {
    folder: join(folder, "store"),
  }, {
    purpose: "backup",
    signal,
    log: quiet,
  });
  const dispose = store[Symbol.asyncDispose].bind(store);
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      await dispose();
      await Deno.remove(folder, { recursive: true });
    },
  });
});

function openMadeUp(
  act: StoreConfig["act"],
  { signal = new AbortController().signal, stall = 60_000 } = {},
): Promise<ObjectStore> {
  const registered = { plugin: madeUp, module: import.meta.resolve("./testdata/store_plugin.ts") };
  return new WorkerHost({ deadlines: { stall } }).openStore(registered, { act }, {
    purpose: "backup",
    signal,
    log: quiet,
  });
}

/** Blocks of odd sizes in one buffer that is used again and again. */
async function* blocks(total: number, failure?: Error): ByteStream {
  const block = new Uint8Array(1_500_007);
  for (let left = total, number = 0; left > 0; left -= block.length, number++) {
    block.fill(number & 0xff);
    yield block.subarray(0, Math.min(left, block.length));
  }
  if (failure) throw failure;
}

async function sha256(stream: ByteStream): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of stream) hash.update(block);
  return hash.digest("hex");
}

const withCode = (code: string) => (error: unknown) => {
  assert(error instanceof VaultraError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

Deno.test("StoreTwin.put() and get() move 256 MiB unchanged", async () => {
  const size = (256 << 20) + 1;
  await using store = await openMadeUp("sound");
  const info = await store.put("large", blocks(size));
  assert.deepEqual([info.size, info.etag], [size, await sha256(blocks(size))]);
  const expected = createHash("sha256");
  for (let number = 0; number * CHUNK_BYTES < size; number++) {
    expected.update(new Uint8Array(Math.min(CHUNK_BYTES, size - number * CHUNK_BYTES)).fill(number & 0xff));
  }
  assert.equal(await sha256(await store.get(String(size))), expected.digest("hex"));
});

Deno.test("StoreTwin.get() lends blocks of at most 1 MiB and buffers that come again", async () => {
  await using store = await openMadeUp("sound");
  let bytes = 0;
  for await (const block of await store.get(String(20 << 20))) {
    assert(block.length <= CHUNK_BYTES);
    bytes += block.length;
  }
  assert.equal(bytes, 20 << 20);
});

for (
  const [act, code] of [
    ["short", "damaged.short-object"],
    ["long", "plugin.malformed"],
    ["fails in the middle", "plugin.error"],
    ["stalls", "plugin.stalled"],
  ] as const
) {
  Deno.test(`StoreTwin.get() of a range fails with ${code} when the plugin: ${act}`, async () => {
    await using store = await openMadeUp(act, { stall: 700 });
    const stream = await store.get("x", { offset: 0, length: 5 << 20 });
    await assert.rejects(sha256(stream), withCode(code));
  });
}

for (
  const [act, code] of [
    ["refuses", "plugin.error"],
    ["stores half", "plugin.malformed"],
    ["lies", "store.incomplete"],
    ["other key", "store.incomplete"],
    ["stalls", "plugin.stalled"],
  ] as const
) {
  Deno.test(`StoreTwin.put() fails with ${code} when the plugin: ${act}`, async () => {
    await using store = await openMadeUp(act, { stall: 700 });
    await assert.rejects(store.put("x", blocks(50 << 20)), withCode(code));
  });
}

Deno.test("StoreTwin.put() fails with the body's own error, also when the plugin swallows it", async () => {
  for (const act of ["sound", "swallows"] as const) {
    await using store = await openMadeUp(act);
    const failure = new VaultraError("database.gone", "The server went away");
    await assert.rejects(store.put("x", blocks(5 << 20, failure)), failure);
  }
});

Deno.test("StoreTwin.get() ends at once when its signal is aborted, and other calls go on", async () => {
  await using store = await openMadeUp("stalls");
  const controller = new AbortController();
  const stream = await store.get("5000000", undefined, controller.signal);
  const read = assert.rejects(sha256(stream), withCode("interrupted"));
  controller.abort(new VaultraError("interrupted", "Interrupted"));
  await read;
  assert.equal(await store.stat("x"), null);
});
