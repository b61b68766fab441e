import assert from "node:assert/strict";
import { failure, keys, owner } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { clockedOperation } from "../tests/fakes/stored_backup.ts";
import { lockKey } from "./catalog/keys.ts";
import { acquireLock, type Lock, lockJob } from "./lock.ts";
import type { ObjectStore } from "./store.ts";
import { once } from "./streams/blocks.ts";
import { inspectLock, removeLock } from "./unlock.ts";

/** A store in which something happens just before a lock is removed. */
class Before extends StoreDecorator {
  constructor(inner: ObjectStore, readonly act: () => Promise<unknown>) {
    super(inner);
  }
  override async remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
    if (key === lockKey("shop")) await this.act();
    await super.remove(key, options);
  }
}

/** Its holder's next sign of life. */
async function renew(store: ObjectStore): Promise<void> {
  await store.put(lockKey("shop"), await store.get(lockKey("shop")));
}

/** A lock whose holder died: it gives no sign of life and does not release it. */
async function abandoned(store: ObjectStore): Promise<void> {
  const { operation } = clockedOperation();
  const lock: Lock = await lockJob(
    new StoreDecorator(store),
    "shop",
    { ...owner, command: "backup" },
    operation,
  );
  const document = await Array.fromAsync(await store.get(lockKey("shop")));
  await lock[Symbol.asyncDispose]();
  await store.put(lockKey("shop"), once(document[0]!));
}

Deno.test("inspectLock() tells who holds the lock, since when, and its last sign of life by the store's clock", async () => {
  const { operation, now, advance } = clockedOperation();
  const { surroundings } = operation;
  const store = new MemoryStore({ now });
  assert.equal(await inspectLock(store, "shop", surroundings), undefined);
  await abandoned(store);
  advance(90_000);
  const held = (await inspectLock(store, "shop", surroundings))!;
  const { owner: holder, taken, renewed, silent, expired } = held;
  assert.deepEqual({ holder, taken, renewed, silent, expired }, {
    holder: { ...owner, command: "backup" },
    taken: "2026-11-26T00:00:00.000Z",
    renewed: "2026-11-26T00:00:00.000Z",
    silent: 90_000,
    expired: false,
  });
  advance(1);
  assert.equal((await inspectLock(store, "shop", surroundings))!.expired, true);
  assert.deepEqual(await keys(store), [".locks/shop"]);
});

Deno.test("removeLock() removes a dead holder's lock, and a damaged one", async () => {
  const { operation, now, advance } = clockedOperation();
  const { surroundings } = operation;
  const store = new MemoryStore({ now });
  for (const make of [abandoned, (to: ObjectStore) => to.put(lockKey("shop"), once(new Uint8Array(3)))]) {
    await make(store);
    advance(90_001);
    await removeLock(store, (await inspectLock(store, "shop", surroundings))!, surroundings);
    assert.deepEqual(await keys(store), []);
  }
});

Deno.test("removeLock() leaves a lock alone whose holder was taken for dead and gives a sign of life", async () => {
  const { operation, now, advance } = clockedOperation();
  const { surroundings } = operation;
  const memory = new MemoryStore({ now });
  await abandoned(memory);
  advance(90_001);
  const held = (await inspectLock(memory, "shop", surroundings))!;
  const store = new Before(memory, () => renew(memory));
  assert.equal((await failure(removeLock(store, held, surroundings))).code, "locked.changed");
  assert.deepEqual(await keys(memory), [".locks/shop"]);
});

Deno.test("removeLock() leaves a lock alone that another run took meanwhile", async () => {
  const { operation, now, advance } = clockedOperation();
  const { surroundings } = operation;
  const memory = new MemoryStore({ now });
  await abandoned(memory);
  advance(90_001);
  const held = (await inspectLock(memory, "shop", surroundings))!;
  const other = { ...owner, pid: 2, command: "backup" };
  const locks: Lock[] = [];
  const store = new Before(memory, async () => locks.push(await lockJob(memory, "shop", other, operation)));
  const refused = await failure(removeLock(store, held, surroundings));
  assert.deepEqual([refused.code, refused.exitCode], ["locked.changed", 12]);
  assert.equal((await inspectLock(memory, "shop", surroundings))!.owner?.pid, 2);
  for (const lock of locks) await lock[Symbol.asyncDispose]();
});

Deno.test("removeLock() takes the lock from a holder who lives though it renews it, and who then learns of it", async () => {
  const { operation, now } = clockedOperation();
  const { surroundings, signal } = operation;
  const memory = new MemoryStore({ now });
  const taken = { owner: { ...owner, command: "backup" }, ...surroundings, signal, heartbeat: 5 };
  const lock = await acquireLock(memory, "shop", taken);
  const held = (await inspectLock(memory, "shop", surroundings))!;
  assert.equal(held.expired, false);
  let renewals = 0;
  const store = new Before(memory, async () => {
    if (renewals++ < 2) await renew(memory);
  });
  await removeLock(store, held, surroundings);
  assert.ok(renewals >= 3);
  const lost = Promise.withResolvers<void>();
  lock.signal.addEventListener("abort", () => lost.resolve());
  if (!lock.signal.aborted) await lost.promise;
  assert.equal(lock.signal.reason.code, "locked.lost");
  await lock[Symbol.asyncDispose]();
  assert.deepEqual(await keys(memory), []);
});

Deno.test("removeLock() is content when the lock was released meanwhile", async () => {
  const { operation, now } = clockedOperation();
  const { surroundings } = operation;
  const store = new MemoryStore({ now });
  await abandoned(store);
  const held = (await inspectLock(store, "shop", surroundings))!;
  await store.remove(lockKey("shop"));
  await removeLock(store, held, surroundings);
  assert.deepEqual(await keys(store), []);
});
