import assert from "node:assert/strict";
import { VaultraError } from "../../core/errors.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { FaultyStore } from "./faulty_store.ts";
import { MemoryStore } from "./memory_store.ts";
import { SlowStore } from "./slow_store.ts";

async function* body(...sizes: number[]): AsyncGenerator<Bytes> {
  for (const size of sizes) yield await Promise.resolve(new Uint8Array(size));
}

const error = new VaultraError("store.failed", "Scripted");

Deno.test("FaultyStore fails the scripted call only, and stores nothing of a broken body", async () => {
  const inner = new MemoryStore();
  const store = new FaultyStore(inner, [{ method: "put", call: 2, afterBytes: 5, error }]);
  await store.put("a", body(10));
  await assert.rejects(store.put("b", body(3, 10)), error);
  await store.put("c", body(10));
  assert.deepEqual((await Array.fromAsync(inner.list(""))).map(({ key }) => key), ["a", "c"]);
});

Deno.test("FaultyStore breaks a get after the scripted number of bytes", async () => {
  const store = new FaultyStore(new MemoryStore(), [{ method: "get", afterBytes: 5, error }]);
  await store.put("a", body(10));
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const block of await store.get("a")) bytes += block.length;
  }, error);
  assert.equal(bytes, 5);
});

Deno.test("FaultyStore loses an answer though the change is made", async () => {
  const inner = new MemoryStore();
  const store = new FaultyStore(inner, [{ method: "put", key: "a", answerLost: true, error }]);
  await assert.rejects(store.put("a", body(1)), error);
  assert.equal((await inner.stat("a"))?.size, 1);
});

Deno.test("SlowStore moves a block on only when the wait resolves", async () => {
  const inner = new MemoryStore();
  const gate = Promise.withResolvers<void>();
  const put = new SlowStore(inner, () => gate.promise).put("a", body(1, 2));
  assert.equal(await inner.stat("a"), null);
  gate.resolve();
  assert.equal((await put).size, 3);
});
