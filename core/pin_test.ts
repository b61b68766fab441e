import assert from "node:assert/strict";
import { failure } from "../tests/fakes/fake_job.ts";
import { FaultyStore } from "../tests/fakes/faulty_store.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { clockedOperation, storeBackup } from "../tests/fakes/stored_backup.ts";
import { listMarks } from "./catalog/marks.ts";
import { VaultraError } from "./errors.ts";
import { pin, unpin } from "./pin.ts";

Deno.test("pin() holds from the first time on, with its first reason, until unpin()", async () => {
  const { operation, advance } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  const first = await pin(store, record, "audit", operation);
  assert.deepEqual([first.already, first.mark.time], [false, "2026-11-26T00:00:00.000Z"]);
  advance(60_000);
  const again = await pin(store, record, "other", operation);
  assert.deepEqual(again, { mark: first.mark, already: true });
  assert.deepEqual(await listMarks(store, record), [first.mark]);
  assert.deepEqual(await unpin(store, record, operation), first.mark);
  assert.equal(await unpin(store, record, operation), undefined);
  const later = await pin(store, record, undefined, operation);
  assert.deepEqual([later.mark.time, "reason" in later.mark], ["2026-11-26T00:01:00.000Z", false]);
});

Deno.test("pin() by several at once is pinned once", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  const pinned = await Promise.all(["a", "b", "c"].map((reason) => pin(store, record, reason, operation)));
  assert.equal(pinned.filter(({ already }) => !already).length, 1);
  assert.equal(new Set(pinned.map(({ mark }) => mark.reason)).size, 1);
});

Deno.test("pin() takes its own pin for one when only the answer was lost", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  const error = new VaultraError("store.exists", "Tried again");
  const faulty = new FaultyStore(store, [{ method: "put", call: 1, answerLost: true, error }]);
  assert.equal((await pin(faulty, record, "audit", operation)).mark.reason, "audit");
});

Deno.test("pin() refuses a reason that no mark can hold", async () => {
  const { operation } = clockedOperation();
  const store = new MemoryStore();
  const record = await storeBackup(store, 1);
  assert.equal((await failure(pin(store, record, "x".repeat(1001), operation))).code, "usage.reason");
  assert.deepEqual(await listMarks(store, record), []);
});
