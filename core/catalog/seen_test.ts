import assert from "node:assert/strict";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import type { VaultraEvent } from "../events.ts";
import { once } from "../streams/blocks.ts";
import { recordKey } from "./keys.ts";
import { MAX_RECORD_BYTES } from "./record.ts";
import { checkSeen, forgetBackup, type SeenBackup, type SeenBackups } from "./seen.ts";

const [old, middle, young] = [1, 2, 3].map((n) => `2026112${n}T020000Z-full-000${n}`) as [
  string,
  string,
  string,
];

/** A memory that lasts as long as the test. */
class FakeMemory implements SeenBackups {
  readonly kept = new Map<string, SeenBackup | undefined>();
  newest(store: string, job: string) {
    return Promise.resolve(this.kept.get(`${store} ${job}`));
  }
  keep(store: string, job: string, backup: SeenBackup | undefined) {
    return Promise.resolve(void this.kept.set(`${store} ${job}`, backup));
  }
}

function setUp() {
  const store = new MemoryStore();
  const seen = new FakeMemory();
  const events: VaultraEvent[] = [];
  const operation = { seen, listener: (event: VaultraEvent) => void events.push(event) };
  return {
    store,
    seen,
    operation,
    put: async (id: string, text = id) => {
      await store.put(recordKey("shop", id), once(new TextEncoder().encode(text)));
    },
    kept: () => seen.kept.get("memory: shop")?.id,
    /** The codes of what a look warns of. */
    look: async () => {
      events.length = 0;
      await checkSeen(store, "shop", operation);
      return events.map((event) => event.type === "warning" ? event.code : event.type);
    },
  };
}

Deno.test("checkSeen() remembers the newest backup and warns when the store has an older one or none", async () => {
  const { store, put, look, kept } = setUp();
  assert.deepEqual(await look(), []);
  await put(old);
  await put(middle);
  assert.deepEqual([await look(), kept()], [[], middle]);
  await put(young);
  assert.deepEqual([await look(), kept()], [[], young]);
  await store.remove(recordKey("shop", young));
  // Until there is a newer one it is told at every look.
  for (let times = 0; times < 2; times++) {
    assert.deepEqual([await look(), kept()], [["signature.older"], young]);
  }
  await store.remove(recordKey("shop", middle));
  await store.remove(recordKey("shop", old));
  assert.deepEqual([await look(), kept()], [["signature.older"], young]);
  await put(young);
  assert.deepEqual(await look(), []);
});

Deno.test("checkSeen() warns when the newest record has other bytes than before", async () => {
  const { put, look } = setUp();
  await put(old);
  assert.deepEqual(await look(), []);
  await put(old, "forged");
  assert.deepEqual(await look(), ["signature.changed"]);
  await put(old, "x".repeat(MAX_RECORD_BYTES + 1));
  assert.deepEqual(await look(), ["signature.changed"]);
});

Deno.test("checkSeen() is not stopped by a record that can't be read, and remembers none such", async () => {
  const { put, look, kept } = setUp();
  await put(old, "x".repeat(MAX_RECORD_BYTES + 1));
  assert.deepEqual([await look(), kept()], [[], undefined]);
  await put(old);
  assert.deepEqual([await look(), kept()], [[], old]);
});

Deno.test("checkSeen() tells jobs and stores apart", async () => {
  const { store, put, look, operation, seen } = setUp();
  await put(old);
  assert.deepEqual(await look(), []);
  await checkSeen(store, "other", operation);
  assert.deepEqual([...seen.kept.keys()], ["memory: shop"]);
  await checkSeen(Object.assign(new MemoryStore(), { displayName: "elsewhere:" }), "shop", operation);
  assert.deepEqual([...seen.kept.keys()], ["memory: shop"]);
});

Deno.test("forgetBackup() remembers what is the newest after one was deleted on purpose", async () => {
  const { store, put, look, kept, operation } = setUp();
  for (const id of [old, middle, young]) await put(id);
  assert.deepEqual(await look(), []);
  // One that is not the newest changes nothing: a store that was set back stays suspicious.
  await store.remove(recordKey("shop", old));
  await forgetBackup(store, { job: "shop", id: old }, operation);
  assert.equal(kept(), young);
  await store.remove(recordKey("shop", young));
  await forgetBackup(store, { job: "shop", id: young }, operation);
  assert.deepEqual([await look(), kept()], [[], middle]);
  await store.remove(recordKey("shop", middle));
  await forgetBackup(store, { job: "shop", id: middle }, operation);
  assert.deepEqual([await look(), kept()], [[], undefined]);
});
