import assert from "node:assert/strict";
import { failure, keys, owner } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { SlowStore } from "../tests/fakes/slow_store.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { clockedOperation, storeBackup, wholeBackups, withEveryFault } from "../tests/fakes/stored_backup.ts";
import { collect } from "../tests/fakes/test_archive.ts";
import { archiveKeyOf, keyHeaderKey, recordKey, signatureKey } from "./catalog/keys.ts";
import { copy } from "./copy.ts";
import { deleteBackups } from "./delete.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob } from "./lock.ts";
import { pin } from "./pin.ts";
import type { ObjectInfo, ObjectStore, PutOptions } from "./store.ts";
import { once } from "./streams/blocks.ts";
import type { ByteStream } from "./streams/bytes.ts";

/** All keys and bytes of a store. */
async function contents(store: ObjectStore): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const key of await keys(store)) all.set(key, (await collect(await store.get(key))).toHex());
  return all;
}

Deno.test("copy() moves every byte of a backup but its marks, archive before record", async () => {
  const { operation, events } = clockedOperation();
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(from, 1);
  const before = await contents(from);
  await storeBackup(from, 2);
  await pin(from, record, "audit", operation);
  const order: string[] = [];
  const watched = new class extends StoreDecorator {
    override put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo> {
      if (!key.startsWith(".locks/")) {
        assert.equal(options?.ifAbsent, true);
        order.push(key);
      }
      return super.put(key, body, options);
    }
  }(to);
  assert.deepEqual(await copy({ from, to: watched }, record, owner, operation), [{ record, already: false }]);
  assert.deepEqual(await contents(to), before);
  assert.deepEqual([order[0], order.at(-1)], [archiveKeyOf(record), recordKey("shop", record.id)]);
  const { size } = record.archive;
  assert.deepEqual(events.findLast(({ type }) => type === "progress"), {
    type: "progress",
    bytes: size,
    total: size,
    stored: size,
  });
  order.splice(0);
  assert.deepEqual(await copy({ from, to: watched }, record, owner, operation), [{ record, already: true }]);
  assert.deepEqual(await contents(to), before);
});

Deno.test("copy() brings the key header that a rotation meanwhile puts in the place of the old one, and nothing foreign", async () => {
  const { operation } = clockedOperation();
  const [inner, to] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(inner, 1);
  await inner.put(`shop/keys/${record.id}.notes`, once(new Uint8Array(3)));
  const [old] = (await keys(inner)).filter((key) => key.includes("/keys/") && key.endsWith(".age"));
  const rotated = keyHeaderKey("shop", record.id, new Date("2026-11-26T00:00:00Z"));
  const from = new class extends StoreDecorator {
    override async get(...call: Parameters<ObjectStore["get"]>): Promise<ByteStream> {
      if (call[0] === old) {
        await inner.put(rotated, once(new Uint8Array(5)));
        await inner.remove(old);
      }
      return await super.get(...call);
    }
  }(inner);
  await copy({ from, to }, record, owner, operation);
  assert.deepEqual((await keys(to)).filter((key) => key.includes("/keys/")), [rotated]);
});

Deno.test("copy() brings what a backup builds on first", async () => {
  const { operation } = clockedOperation();
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const full = await storeBackup(from, 1);
  const first = await storeBackup(from, 2, { parent: full });
  const second = await storeBackup(from, 3, { parent: first });
  const told = async (record: typeof full) =>
    (await copy({ from, to }, record, owner, operation)).map(({ already, record: { id } }) => [id, already]);
  assert.deepEqual(await told(first), [[full.id, false], [first.id, false]]);
  assert.deepEqual(await told(second), [[full.id, true], [first.id, true], [second.id, false]]);
  await from.remove(recordKey("shop", full.id));
  assert.equal((await failure(copy({ from, to }, second, owner, operation))).code, "no-backup.parent");
});

Deno.test("copy() makes no object of an archive that is damaged", async () => {
  const { operation } = clockedOperation();
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(from, 1);
  const key = archiveKeyOf(record);
  const whole = await collect(await from.get(key));
  const flipped = whole.slice();
  flipped[400_000]! ^= 1;
  for (const bytes of [flipped, whole.slice(0, -1), new Uint8Array([...whole, 0]), undefined]) {
    if (bytes === undefined) await from.remove(key);
    else await from.put(key, once(bytes.slice()));
    const refused = await failure(copy({ from, to }, record, owner, operation));
    assert.deepEqual([refused.code, refused.exitCode], ["damaged.archive", 13]);
    assert.deepEqual(await keys(to), []);
  }
  // One whose size is told right and whose stream ends early or goes on
  await from.put(key, once(whole.slice()));
  for (const bytes of [whole.slice(0, -1), new Uint8Array([...whole, 0])]) {
    const lying = new class extends StoreDecorator {
      override async get(name: string): Promise<ByteStream> {
        return name === key ? once(bytes.slice()) : await super.get(name);
      }
    }(from);
    assert.equal(
      (await failure(copy({ from: lying, to }, record, owner, operation))).code,
      "damaged.archive",
    );
    assert.deepEqual(await keys(to), []);
  }
});

Deno.test("copy() takes back an archive of which the store confirms other bytes than were sent", async () => {
  const { operation } = clockedOperation();
  const [from, memory] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(from, 1);
  const to = new class extends StoreDecorator {
    override async put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo> {
      if (key !== archiveKeyOf(record)) return await super.put(key, body, options);
      return await super.put(key, once((await collect(body)).slice(1)), options);
    }
  }(memory);
  assert.equal((await failure(copy({ from, to }, record, owner, operation))).code, "store.incomplete");
  assert.deepEqual(await keys(memory), []);
});

Deno.test("copy() overwrites nothing that lies under one of its keys", async () => {
  const { operation } = clockedOperation();
  const from = new MemoryStore();
  const record = await storeBackup(from, 1);
  for (const key of await keys(from)) {
    for (const size of [5, (await from.stat(key))!.size]) {
      const to = new MemoryStore();
      await to.put(key, once(new Uint8Array(size)));
      const refused = await failure(copy({ from, to }, record, owner, operation));
      assert.equal(refused.code, "store.exists", key);
      assert.ok(refused.hint);
      assert.deepEqual(await collect(await to.get(key)), new Uint8Array(size));
      if (!key.endsWith(".json")) assert.equal(await to.stat(recordKey("shop", record.id)), null);
    }
  }
});

Deno.test("copy() asks for a signature where trusted ones are configured", async () => {
  const { operation } = clockedOperation();
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(from, 1);
  const trusting = { ...operation, trusted: [] };
  assert.equal((await failure(copy({ from, to }, record, owner, trusting))).code, "signature.invalid");
  await from.remove(signatureKey("shop", record.id));
  assert.equal((await failure(copy({ from, to }, record, owner, trusting))).code, "signature.missing");
  assert.deepEqual(await keys(to), []);
});

for (const side of ["from", "to"] as const) {
  Deno.test(`copy() lists only whole backups whatever fails in the store "${side}", and the same again ends well`, async () => {
    const outcomes = new Set<string>();
    await withEveryFault(async (wrap, title) => {
      const { operation, now, advance } = clockedOperation();
      const stores = { from: new MemoryStore({ now }), to: new MemoryStore({ now }) };
      const full = await storeBackup(stores.from, 1, { bytes: 2_000 });
      const child = await storeBackup(stores.from, 2, { parent: full, bytes: 2_000 });
      const before = await contents(stores.from);
      try {
        await copy({ ...stores, [side]: wrap(stores[side]) }, child, owner, operation);
        outcomes.add("done");
      } catch (error) {
        assert.equal(toVaultraError(error).code, "store.unreachable", title);
        outcomes.add(`${(await wholeBackups(stores.to)).length} copied`);
        // A lock that could not be released expires.
        advance(91_000);
        await copy(stores, child, owner, operation);
      }
      assert.deepEqual(await wholeBackups(stores.to), [full.id, child.id], title);
      assert.deepEqual(await contents(stores.from), before, title);
      const copied = [...await contents(stores.to)].filter(([key]) => key.startsWith("shop/"));
      assert.deepEqual(new Map(copied), before, title);
    });
    const expected = ["0 copied", "1 copied", ...(side === "to" ? ["2 copied"] : []), "done"];
    assert.deepEqual([...outcomes].sort(), expected);
  });
}

/** A store that waits before every block of an archive. */
class SlowArchives extends StoreDecorator {
  readonly #slow: SlowStore;
  constructor(inner: ObjectStore, wait: () => Promise<void>) {
    super(inner);
    this.#slow = new SlowStore(inner, wait);
  }
  override get(...call: Parameters<ObjectStore["get"]>): Promise<ByteStream> {
    return call[0].endsWith(".tar") ? this.#slow.get(...call) : super.get(...call);
  }
  override put(...call: Parameters<ObjectStore["put"]>): Promise<ObjectInfo> {
    return call[0].endsWith(".tar") ? this.#slow.put(...call) : super.put(...call);
  }
}

Deno.test("copy() that is cancelled leaves nothing, and stops while a store waits", async () => {
  const { operation } = clockedOperation();
  for (const side of ["from", "to"] as const) {
    const controller = new AbortController();
    const { signal } = controller;
    const stores = { from: new MemoryStore(), to: new MemoryStore() };
    const record = await storeBackup(stores.from, 1);
    let blocks = 0;
    const slow = new SlowArchives(stores[side], () => {
      if (++blocks < 3) return Promise.resolve();
      queueMicrotask(() => controller.abort(new VaultraError("interrupted", "Stopped")));
      return new Promise(() => {});
    });
    const copying = copy({ ...stores, [side]: slow }, record, owner, { ...operation, signal });
    assert.equal((await failure(copying)).code, "interrupted");
    assert.deepEqual(await keys(stores.to), []);
  }
});

Deno.test("copy() runs once at a time and not beside a delete or a backup of the job there", async () => {
  const { operation } = clockedOperation();
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const record = await storeBackup(from, 1);
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = new SlowArchives(from, () => {
    begun.resolve();
    return go.promise;
  });
  const first = copy({ from: slow, to }, record, owner, operation);
  await begun.promise;
  for (
    const other of [
      copy({ from, to }, record, owner, operation),
      deleteBackups(to, "shop", [record.id], { owner }, operation),
      lockJob(to, "shop", { ...owner, command: "backup" }, operation),
    ]
  ) assert.equal((await failure(other)).code, "locked.job");
  go.resolve();
  assert.deepEqual(await first, [{ record, already: false }]);
  assert.deepEqual(await wholeBackups(to), [record.id]);
});
