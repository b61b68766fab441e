import assert from "node:assert/strict";
import { failure, keys, owner } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { clockedOperation, storeBackup, wholeBackups, withEveryFault } from "../tests/fakes/stored_backup.ts";
import { seeded } from "./seeded.ts";
import { archiveKeyOf, recordKey } from "./catalog/keys.ts";
import { putMark, verifiedMark } from "./catalog/marks.ts";
import { documentBytes, recordBytes } from "./catalog/record.ts";
import { deleteBackups } from "./delete.ts";
import { toVaultraError } from "./errors.ts";
import { lockJob } from "./lock.ts";
import { pin, unpin } from "./pin.ts";
import { findStored, planDelete } from "./plan_delete.ts";
import type { ObjectInfo } from "./store.ts";
import { once } from "./streams/blocks.ts";

const time = "2026-11-25T00:00:00.000Z";

Deno.test("deleteBackups() removes all of a backup, its record first, and nothing else", async () => {
  const { operation } = clockedOperation();
  const removed: string[] = [];
  const store = new class extends StoreDecorator {
    override remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
      removed.push(key);
      return super.remove(key, options);
    }
  }(new MemoryStore());
  const [gone, kept] = [await storeBackup(store, 1), await storeBackup(store, 2)];
  await putMark(store, gone, verifiedMark("full", new Date(time)), { time });
  await putMark(store, kept, verifiedMark("full", new Date(time)), { time });
  await storeBackup(store, 1, { job: "other" });
  await store.put("shop/notes.txt", once(new Uint8Array(3)));
  const before = await keys(store);

  const told: string[] = [];
  const options = { owner, deleted: ({ id }: { id: string }) => void told.push(id) };
  const plan = await deleteBackups(store, "shop", [gone.id], options, operation);
  const ours = removed.filter((key) => !key.startsWith(".locks/"));
  assert.deepEqual(ours, [
    `shop/${gone.id}.json`,
    `shop/${gone.id}.sig`,
    `shop/${gone.id}.tar`,
    `shop/keys/${gone.id}.20261125T000000Z.age`,
    `shop/marks/${gone.id}.verified-full-20261125t000000z`,
  ]);
  assert.deepEqual(await keys(store), before.filter((key) => !ours.includes(key)));
  assert.deepEqual(told, [gone.id]);
  assert.ok(plan.bytes > 700_000 && plan.bytes < 702_000, String(plan.bytes));
  assert.equal(plan.last, false);
  assert.equal((await planDelete(store, "shop", [kept.id], operation)).last, true);
  const again = await failure(deleteBackups(store, "shop", [gone.id], { owner }, operation));
  assert.deepEqual([again.code, again.exitCode], ["no-backup.unknown", 18]);
});

Deno.test("deleteBackups() removes nothing when one of the backups is pinned", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const [one, other] = [await storeBackup(store, 1), await storeBackup(store, 2)];
  await pin(store, one, "audit", operation);
  const before = await keys(store);
  const refused = await failure(deleteBackups(store, "shop", [other.id, one.id], { owner }, operation));
  assert.deepEqual([refused.code, refused.exitCode], ["retention.pinned", 16]);
  assert.deepEqual(await keys(store), before);
  await store.put(`shop/marks/${one.id}.pinned`, once(new Uint8Array([1, 2, 3])));
  assert.equal(
    (await failure(deleteBackups(store, "shop", [one.id], { owner }, operation))).code,
    "retention.pinned",
    "a damaged pin holds",
  );
  assert.ok(await unpin(store, one, operation));
  await deleteBackups(store, "shop", [other.id, one.id], { owner }, operation);
  assert.deepEqual(await keys(store), []);
});

Deno.test("deleteBackups() keeps what another backup builds on, and removes children first", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const full = await storeBackup(store, 1);
  const child = await storeBackup(store, 2, { parent: full });
  // The clock was set back before it.
  const grandchild = await storeBackup(store, 0, { parent: child });
  for (const ids of [[full.id], [child.id], [full.id, child.id], [full.id, grandchild.id]]) {
    const refused = await failure(deleteBackups(store, "shop", ids, { owner }, operation));
    assert.deepEqual([refused.code, refused.exitCode], ["retention.has-children", 16]);
  }
  assert.equal((await wholeBackups(store)).length, 3);
  const told: string[] = [];
  await deleteBackups(store, "shop", [full.id, child.id, grandchild.id], {
    owner,
    deleted: ({ id }) => told.push(id),
  }, operation);
  assert.deepEqual(told, [grandchild.id, child.id, full.id]);
  assert.deepEqual(await keys(store), []);
});

Deno.test("deleteBackups() waits for no run of the job, but refuses", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  {
    await using _lock = await lockJob(store, "shop", { ...owner, command: "backup" }, operation);
    const refused = await failure(deleteBackups(store, "shop", [record.id], { owner }, operation));
    assert.deepEqual([refused.code, refused.exitCode], ["locked.job", 12]);
    assert.match(refused.hint!, /vaultra unlock shop/);
  }
  assert.deepEqual(await wholeBackups(store), [record.id]);
});

Deno.test("deleteBackups() removes a backup whose record is damaged, and what one without a record left", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const [damaged, left] = [await storeBackup(store, 1), await storeBackup(store, 2)];
  await store.put(recordKey("shop", damaged.id), once(new Uint8Array(2 << 20)));
  await store.remove(recordKey("shop", left.id));
  const ids = (await findStored(store, "20261124T", "shop")).map(({ id }) => id);
  assert.deepEqual(ids, [damaged.id, left.id]);
  const plan = await deleteBackups(store, "shop", ids, { owner }, operation);
  assert.deepEqual(plan.backups.map(({ listed }) => listed), [true, false]);
  assert.deepEqual(await keys(store), []);
});

Deno.test("deleteBackups() lists no half backup whatever fails, and the same again removes the rest", async () => {
  const outcomes = new Set<string>();
  await withEveryFault(async (wrap, title) => {
    const { operation, now, advance } = clockedOperation();
    const memory = new MemoryStore({ now });
    const full = await storeBackup(memory, 1);
    const gone = [full.id, (await storeBackup(memory, 2, { parent: full })).id];
    const kept = await storeBackup(memory, 3);
    await putMark(memory, full, verifiedMark("full", new Date(time)), { time });
    try {
      await deleteBackups(wrap(memory), "shop", gone, { owner }, operation);
      outcomes.add("done");
    } catch (error) {
      assert.equal(toVaultraError(error).code, "store.unreachable", title);
      const listed = await wholeBackups(memory);
      assert.ok(listed.includes(kept.id), title);
      outcomes.add(`${listed.length - 1} left`);
      // A lock that could not be released expires.
      advance(91_000);
      const rest = (await findStored(memory, "", "shop")).map(({ id }) => id).filter((id) => id !== kept.id);
      if (rest.length > 0) await deleteBackups(memory, "shop", rest, { owner }, operation);
    }
    assert.deepEqual(await wholeBackups(memory), [kept.id], title);
    assert.deepEqual(
      (await keys(memory)).filter((key) => key.startsWith("shop/") && !key.includes(kept.id)),
      [],
    );
  });
  assert.deepEqual([...outcomes].sort(), ["0 left", "1 left", "2 left", "done"]);
});

/** A store whose every call takes a while that chance decides. */
class ErraticStore extends StoreDecorator {
  constructor(inner: MemoryStore, readonly random: () => number) {
    super(inner);
  }
  async #wait(): Promise<void> {
    for (let ticks = Math.floor(this.random() * 60); ticks > 0; ticks--) await Promise.resolve();
  }
  override async stat(key: string): Promise<ObjectInfo | null> {
    await this.#wait();
    return await super.stat(key);
  }
  override async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    await this.#wait();
    yield* super.list(prefix);
  }
  override async put(...call: Parameters<StoreDecorator["put"]>): Promise<ObjectInfo> {
    await this.#wait();
    const info = await super.put(...call);
    await this.#wait();
    return info;
  }
  override async remove(...call: Parameters<StoreDecorator["remove"]>): Promise<void> {
    await this.#wait();
    await super.remove(...call);
    await this.#wait();
  }
}

Deno.test("pin() and deleteBackups() at once: what was said to be pinned is there", async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 400; seed++) {
    const { operation } = clockedOperation();
    const memory = new MemoryStore();
    const record = await storeBackup(memory, 1, { bytes: 10 });
    const random = seeded(seed);
    const deleting = deleteBackups(
      new ErraticStore(memory, random),
      "shop",
      [record.id],
      { owner },
      operation,
    );
    const pinning = (async () => {
      for (let ticks = Math.floor(random() * 600); ticks > 0; ticks--) await Promise.resolve();
      await pin(new ErraticStore(memory, random), record, undefined, operation);
    })();
    const [deleted, pinned] = await Promise.allSettled([deleting, pinning]);
    if (deleted.status === "rejected") assert.equal(deleted.reason.code, "retention.pinned", `seed ${seed}`);
    if (pinned.status === "rejected") assert.equal(pinned.reason.code, "no-backup.deleted", `seed ${seed}`);
    const there = await memory.stat(recordKey("shop", record.id)) !== null;
    if (there) assert.deepEqual(await wholeBackups(memory), [record.id], `seed ${seed}`);
    assert.equal(there, deleted.status === "rejected", `seed ${seed}`);
    if (pinned.status === "fulfilled") {
      assert.ok(there && await memory.stat(`shop/marks/${record.id}.pinned`) !== null, `seed ${seed}`);
    }
    outcomes.add(`${deleted.status} ${pinned.status}`);
  }
  assert.ok(
    outcomes.has("fulfilled rejected") && outcomes.has("rejected fulfilled"),
    [...outcomes].join(", "),
  );
});

Deno.test("deleteBackups() gives the record back to a backup that was pinned while it went", async () => {
  const { operation } = clockedOperation();
  const memory = new MemoryStore();
  const record = await storeBackup(memory, 1);
  const store = new class extends StoreDecorator {
    override async remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
      if (key.endsWith(".json")) await pin(memory, record, "in the last moment", operation);
      await super.remove(key, options);
    }
  }(memory);
  const refused = await failure(deleteBackups(store, "shop", [record.id], { owner }, operation));
  assert.equal(refused.code, "retention.pinned");
  assert.deepEqual(await wholeBackups(memory), [record.id]);
});

Deno.test("deleteBackups() says that a record is gone which it could not give back to a pinned backup", async () => {
  const { operation } = clockedOperation();
  const memory = new MemoryStore();
  const record = await storeBackup(memory, 1);
  const store = new class extends StoreDecorator {
    override async remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
      if (key.endsWith(".json")) await pin(memory, record, undefined, operation);
      await super.remove(key, options);
    }
    override put(...call: Parameters<MemoryStore["put"]>): Promise<ObjectInfo> {
      return call[0].endsWith(".json") ? Promise.reject(new Error("full")) : super.put(...call);
    }
  }(memory);
  const failed = await failure(deleteBackups(store, "shop", [record.id], { owner }, operation));
  assert.match(failed.message, /was pinned while it was deleted, and its record could not be put back: /);
  assert.match(failed.hint!, /copy the backup here again/);
  assert.ok(await memory.stat(archiveKeyOf(record)));
});

Deno.test("deleteBackups() removes nothing that a backup may need whose record it cannot read", async () => {
  const { operation, events } = clockedOperation();
  const store = new MemoryStore();
  const full = await storeBackup(store, 1);
  const child = await storeBackup(store, 2, { parent: full });
  const later = await storeBackup(store, 3);
  for (const unreadable of [{ ...child, format: 2 }, {}]) {
    await store.put(recordKey("shop", child.id), once(documentBytes(unreadable)));
    const refused = await failure(deleteBackups(store, "shop", [full.id], { owner }, operation));
    assert.deepEqual([refused.code, refused.exitCode], ["retention.has-children", 16]);
    assert.match(refused.message, new RegExp(child.id));
  }
  assert.deepEqual(
    events.flatMap((event) => event.type === "warning" ? [event.code] : []),
    ["damaged.newer-format", "damaged.record"],
  );
  await deleteBackups(store, "shop", [later.id], { owner }, operation);
  await deleteBackups(store, "shop", [full.id, child.id], { owner }, operation);
  assert.deepEqual(await keys(store), []);
});

Deno.test("deleteBackups() leaves a backup alone that was shown as a rest and became whole", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  await store.remove(recordKey("shop", record.id));
  const shown = await planDelete(store, "shop", [record.id], operation);
  // Its run ends while a person reads what would be removed.
  await store.put(recordKey("shop", record.id), once(recordBytes(record)));
  const refused = await failure(deleteBackups(store, "shop", [record.id], { owner, shown }, operation));
  assert.deepEqual([refused.code, refused.exitCode], ["locked.changed", 12]);
  assert.deepEqual(await wholeBackups(store), [record.id]);
  await deleteBackups(store, "shop", [record.id], {
    owner,
    shown: await planDelete(store, "shop", [record.id], operation),
  }, operation);
  assert.deepEqual(await keys(store), []);
});

Deno.test("deleteBackups() stops between two objects when it is cancelled", async () => {
  const { operation } = clockedOperation();
  const controller = new AbortController();
  const memory = new MemoryStore();
  const record = await storeBackup(memory, 1);
  const store = new class extends StoreDecorator {
    override async remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
      await super.remove(key, options);
      if (key.endsWith(".json")) controller.abort(toVaultraError(new Error("stop"), "terminated"));
    }
  }(memory);
  const stopped = await failure(
    deleteBackups(store, "shop", [record.id], { owner }, { ...operation, signal: controller.signal }),
  );
  assert.equal(stopped.exitCode, 143);
  assert.match(stopped.hint!, new RegExp(`vaultra delete shop/${record.id}`));
  assert.deepEqual(await wholeBackups(memory), []);
  assert.ok(await memory.stat(archiveKeyOf(record)));
  await deleteBackups(memory, "shop", [record.id], { owner }, operation);
  assert.deepEqual(await keys(memory), []);
});
