import assert from "node:assert/strict";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import { StoreDecorator } from "../../tests/fakes/store_decorator.ts";
import { once } from "../streams/blocks.ts";
import { markKey } from "./keys.ts";
import {
  listMarks,
  markNames,
  PINNED,
  putMark,
  readMark,
  verifiedBy,
  verifiedMark,
  verifyLevels,
} from "./marks.ts";

const one = { job: "shop", id: "20261124T064758Z-full-0001" };
const other = { job: "shop", id: "20261125T064758Z-full-0002" };
const time = "2026-11-24T07:00:00.000Z";

async function filled(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await putMark(store, one, verifiedMark("full", new Date(time)), { time, details: { parts: 3 } });
  await putMark(store, one, PINNED, { time, reason: "audit" });
  await putMark(store, other, PINNED, { time });
  await putMark(store, { job: "other", id: one.id }, PINNED, { time });
  await store.put("shop/marks/readme.txt", once(new Uint8Array(1)));
  return store;
}

Deno.test("listMarks() tells what the marks of a backup or of a job say", async () => {
  const store = await filled();
  assert.deepEqual(await listMarks(store, one), [
    { ...one, name: PINNED, time, reason: "audit" },
    { ...one, name: "verified-full-20261124t070000z", time, details: { parts: 3 } },
  ]);
  assert.deepEqual((await listMarks(store, { job: "shop" })).map(({ id }) => id), [one.id, one.id, other.id]);
  await assert.rejects(putMark(store, one, PINNED, { time }), { code: "store.exists" });
});

Deno.test("markNames() reads no object", async () => {
  const store = new class extends StoreDecorator {
    override get(): never {
      assert.fail("an object was read");
    }
  }(await filled());
  assert.deepEqual(await markNames(store, { job: "shop" }), [
    { id: one.id, name: PINNED },
    { id: one.id, name: "verified-full-20261124t070000z" },
    { id: other.id, name: PINNED },
  ]);
});

Deno.test("readMark() lets a damaged pin hold, and says so", async () => {
  const store = await filled();
  await store.put(markKey(one.job, one.id, PINNED), once(new TextEncoder().encode('{"time":1}')));
  const warnings: string[] = [];
  const mark = await readMark(store, one, PINNED, (event) => {
    if (event.type === "warning") warnings.push(event.message);
  });
  assert.deepEqual(mark, { ...one, name: PINNED });
  assert.deepEqual(warnings, [`The mark "shop/marks/${one.id}.pinned" cannot be read`]);
  assert.equal(await readMark(store, { job: "none", id: one.id }, PINNED), undefined);
});

Deno.test("verifiedBy() reads what verifiedMark() wrote, and nothing else", () => {
  for (const level of verifyLevels) {
    assert.deepEqual(verifiedBy(verifiedMark(level, new Date(time))), {
      level,
      time: "2026-11-24T07:00:00Z",
    });
  }
  for (
    const name of [
      PINNED,
      "verified-full-20269924t070000z",
      "verified-full-",
      "verified-20261124t070000z",
      "verified-most-20261124t070000z",
      "verified-full-20261124t070000z-2",
    ]
  ) {
    assert.equal(verifiedBy(name), undefined, name);
  }
});
