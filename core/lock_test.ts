import assert from "node:assert/strict";
import { FaultyStore } from "../tests/fakes/faulty_store.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { SlowStore } from "../tests/fakes/slow_store.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { VaultraError } from "./errors.ts";
import type { VaultraEvent } from "./events.ts";
import { acquireLock, type LockOptions, readLock } from "./lock.ts";
import type { ObjectStore } from "./store.ts";

/** A clock that the test moves. */
class Clock {
  #time = Date.parse("2026-11-24T06:00:00Z");
  readonly now = () => new Date(this.#time);
  advance(milliseconds: number): void {
    this.#time += milliseconds;
  }
}

let counter = 0;
function options(clock: Clock, more: Partial<LockOptions> = {}): LockOptions {
  return {
    owner: { host: "db1", pid: 42, command: "backup" },
    now: clock.now,
    randomHex: (length) => (++counter).toString(16).padStart(length * 2, "0"),
    signal: new AbortController().signal,
    ...more,
  };
}

async function lost(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  return signal.reason;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function keys(store: ObjectStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(""))).map(({ key }) => key);
}

const unreachable = new VaultraError("store.unreachable", "The store is away");

Deno.test("acquireLock() keeps a second run out, names the holder, and lets it in after the release", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  {
    await using _lock = await acquireLock(store, "orders", options(clock));
    clock.advance(60_000);
    await assert.rejects(acquireLock(store, "orders", options(clock)), (error: VaultraError) => {
      assert.equal(error.code, "locked.job");
      assert.equal(error.exitCode, 12);
      assert.match(error.message, /"orders": backup on db1 \(process 42\) since 2026-11-24T06:00:00/);
      assert.match(error.hint!, /2026-11-24T06:01:30/);
      return true;
    });
    await using _other = await acquireLock(store, "billing", options(clock));
    assert.deepEqual(await keys(store), [".locks/billing", ".locks/orders"]);
  }
  assert.deepEqual(await keys(store), []);
  await using _again = await acquireLock(store, "orders", options(clock));
});

Deno.test("acquireLock() takes over from a holder who gave no sign of life, who then learns of it", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  const asleep = Promise.withResolvers<void>();
  let sleeping = false;
  const sleepy = new SlowStore(store, () => sleeping ? asleep.promise : Promise.resolve());
  const dead = await acquireLock(sleepy, "orders", options(new Clock(), { heartbeat: 5 }));
  sleeping = true;
  clock.advance(90_001);
  await using _lock = await acquireLock(store, "orders", options(clock));
  asleep.resolve();
  const error = await lost(dead.signal) as VaultraError;
  assert.equal(error.code, "locked.lost");
  assert.match(error.message, /somebody else/);
  await dead[Symbol.asyncDispose]();
  assert.deepEqual(await keys(store), [".locks/orders"], "the dead one must not release what is not its own");
});

Deno.test("acquireLock() believes the store's clock, not its own", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  await using _lock = await acquireLock(store, "orders", options(clock));
  const ahead = new Clock();
  ahead.advance(3_600_000);
  await assert.rejects(acquireLock(store, "orders", options(ahead)), { code: "locked.job" });
});

Deno.test("acquireLock() lets exactly one of 10 win, for a free lock and for an expired one", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  for (const abandoned of [false, true]) {
    if (abandoned) await store.put(".locks/orders", (async function* () {})());
    clock.advance(90_001);
    const racers = Array.from({ length: 10 }, () => acquireLock(store, "orders", options(clock)));
    const results = await Promise.allSettled(racers);
    const held = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    assert.equal(held.length, 1);
    for (const result of results) {
      if (result.status === "rejected") assert.equal(result.reason.code, "locked.job");
    }
    await held[0]![Symbol.asyncDispose]();
    assert.deepEqual(await keys(store), []);
  }
});

Deno.test("acquireLock() renews while it is held", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  await using lock = await acquireLock(store, "orders", options(clock, { heartbeat: 5 }));
  const first = await store.stat(".locks/orders");
  clock.advance(60_000);
  await until(async () => (await store.stat(".locks/orders"))!.modified !== first!.modified);
  clock.advance(60_000);
  await assert.rejects(acquireLock(store, "orders", options(clock)), { code: "locked.job" });
  assert.equal(lock.signal.aborted, false);
});

Deno.test("acquireLock() survives failing renewals until the expiry, and no longer", async () => {
  const clock = new Clock();
  const inner = new MemoryStore({ now: clock.now });
  let failures = 0;
  const away = new class extends FaultyStore {
    override put(...call: Parameters<ObjectStore["put"]>) {
      failures++;
      return super.put(...call);
    }
  }(
    inner,
    Array.from({ length: 1_000 }, (_, i) => ({ method: "put" as const, call: i + 2, error: unreachable })),
  );
  await using lock = await acquireLock(away, "orders", options(clock, { heartbeat: 5 }));
  await until(() => Promise.resolve(failures > 3));
  assert.equal(lock.signal.aborted, false);
  clock.advance(90_000);
  assert.equal((await lost(lock.signal) as VaultraError).code, "locked.lost");
});

Deno.test("acquireLock() is told of a loss though a renewal never ends", async () => {
  const clock = new Clock();
  let stuck = false;
  const store = new SlowStore(
    new MemoryStore({ now: clock.now }),
    () => stuck ? new Promise(() => {}) : Promise.resolve(),
  );
  const lock = await acquireLock(store, "orders", options(clock, { heartbeat: 5 }));
  stuck = true;
  clock.advance(90_000);
  assert.equal((await lost(lock.signal) as VaultraError).code, "locked.lost");
  await lock[Symbol.asyncDispose]();
});

Deno.test("acquireLock() gives a lock up that it cannot renew before others may take it", async () => {
  const clock = new Clock();
  const inner = new MemoryStore({ now: clock.now });
  let isAway = false;
  let failures = 0;
  const store = new class extends StoreDecorator {
    override put(...call: Parameters<ObjectStore["put"]>) {
      if (!isAway) return super.put(...call);
      failures++;
      return Promise.reject(unreachable);
    }
  }(inner);
  await using lock = await acquireLock(store, "orders", options(clock, { heartbeat: 30 }));
  isAway = true;
  clock.advance(89_995);
  await until(() => Promise.resolve(lock.signal.aborted || failures > 10));
  assert.equal(lock.signal.aborted, true);
  await assert.rejects(acquireLock(inner, "orders", options(clock)), { code: "locked.job" });
});

Deno.test("acquireLock() knows its own lock when only the answer was lost", async () => {
  const clock = new Clock();
  const inner = new MemoryStore({ now: clock.now });
  const store = new FaultyStore(inner, [
    { method: "put", call: 1, answerLost: true, error: new VaultraError("store.exists", "Tried again") },
    { method: "put", call: 2, answerLost: true, error: unreachable },
  ]);
  await using lock = await acquireLock(store, "orders", options(clock, { heartbeat: 5 }));
  const etags = new Set<string>();
  await until(async () => etags.add((await inner.stat(".locks/orders"))!.etag).size > 3);
  assert.equal(lock.signal.aborted, false);
});

Deno.test("acquireLock() warns when the lock cannot be released", async () => {
  const clock = new Clock();
  const events: VaultraEvent[] = [];
  const store = new FaultyStore(new MemoryStore({ now: clock.now }), [{
    method: "remove",
    error: unreachable,
  }]);
  const lock = await acquireLock(
    store,
    "orders",
    options(clock, { listener: (event) => events.push(event) }),
  );
  await lock[Symbol.asyncDispose]();
  assert.deepEqual(events.map((event) => event.type === "warning" && event.code), ["locked.not-released"]);
});

Deno.test("acquireLock() treats a damaged lock as one of an unknown holder", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now });
  await store.put(
    ".locks/orders",
    (async function* () {
      yield await Promise.resolve(new Uint8Array([1, 2, 3]));
    })(),
  );
  assert.equal(await readLock(store, "orders"), undefined);
  await assert.rejects(acquireLock(store, "orders", options(clock)), { code: "locked.job" });
  clock.advance(90_001);
  await using _lock = await acquireLock(store, "orders", options(clock));
});

Deno.test("acquireLock() without conditional puts lets one of several win", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now, conditionalPut: false });
  const racers = Array.from(
    { length: 5 },
    () => acquireLock(store, "orders", options(clock, { settle: 50 })),
  );
  const results = await Promise.allSettled(racers);
  const held = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  assert.equal(held.length, 1);
  await held[0]![Symbol.asyncDispose]();
  assert.deepEqual(await keys(store), []);
});

Deno.test("acquireLock() without conditional puts releases no lock but its own", async () => {
  const clock = new Clock();
  const store = new MemoryStore({ now: clock.now, conditionalPut: false });
  const late = await acquireLock(store, "orders", options(clock, { settle: 1 }));
  clock.advance(90_001);
  await using _lock = await acquireLock(store, "orders", options(clock, { settle: 1 }));
  await late[Symbol.asyncDispose]();
  assert.deepEqual(await keys(store), [".locks/orders"]);
});

Deno.test("acquireLock() stops when it is cancelled", async () => {
  const signal = AbortSignal.abort(new VaultraError("interrupted", "Stopped"));
  await assert.rejects(acquireLock(new MemoryStore(), "orders", options(new Clock(), { signal })), {
    code: "interrupted",
  });
});
