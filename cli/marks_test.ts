import assert from "node:assert/strict";
import { PINNED, putMark, verifiedMark } from "../core/catalog/marks.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { markBackups, markText } from "./marks.ts";

const backup = { job: "shop", id: "20261124T064758Z-full-0001" };
const time = "2026-11-25T00:00:00.000Z";

Deno.test("markBackups() tells pins and the last verification of each backup", async () => {
  const store = new MemoryStore();
  for (const each of ["2026-11-26T00:00:00Z", "2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z"]) {
    await putMark(store, backup, verifiedMark(new Date(each)), { time });
  }
  await putMark(store, backup, PINNED, { time });
  await putMark(store, { ...backup, job: "other" }, PINNED, { time });
  const marked = await markBackups(store, [
    { ...backup, id: "20261124T064758Z-full-0002" },
    backup,
    { ...backup, job: "other" },
  ]);
  assert.deepEqual(marked, [{}, { pinned: true, verified: "2026-12-01T00:00:00Z" }, { pinned: true }]);
});

Deno.test("markText() says when, why and how", () => {
  const mark = { ...backup, time };
  assert.deepEqual(markText({ ...mark, name: PINNED, reason: "audit" }), [
    "pinned",
    "since 2026-11-25 00:00:00Z: audit",
  ]);
  assert.deepEqual(
    markText({ ...mark, name: verifiedMark(new Date(time)), details: { level: "sample", seed: 7 } }),
    ["verified", "2026-11-25 00:00:00Z: level sample, seed 7"],
  );
  assert.deepEqual(markText({ ...mark, name: "drilled" }), ["drilled", "2026-11-25 00:00:00Z"]);
  // A damaged one holds, and tells no more than its name.
  const { time: _time, ...damaged } = mark;
  assert.deepEqual(markText({ ...damaged, name: PINNED }), ["pinned", "at an unknown time"]);
});
