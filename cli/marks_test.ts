import assert from "node:assert/strict";
import { PINNED, putMark, verifiedMark } from "../core/catalog/marks.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { markBackups, markText, verifiedText } from "./marks.ts";

const backup = { job: "shop", id: "20261124T064758Z-full-0001" };
const time = "2026-11-25T00:00:00.000Z";

Deno.test("markBackups() tells pins and the last verification of each backup at each level", async () => {
  const store = new MemoryStore();
  for (
    const [level, each] of [
      ["full", "2026-11-26T00:00:00Z"],
      ["full", "2026-11-25T00:00:00Z"],
      ["quick", "2026-12-01T00:00:00Z"],
      ["quick", "2026-11-30T00:00:00Z"],
    ] as const
  ) {
    await putMark(store, backup, verifiedMark(level, new Date(each)), { time });
  }
  await putMark(store, backup, PINNED, { time });
  await putMark(store, { ...backup, job: "other" }, PINNED, { time });
  const marked = await markBackups(store, [
    { ...backup, id: "20261124T064758Z-full-0002" },
    backup,
    { ...backup, job: "other" },
  ]);
  assert.deepEqual(marked, [
    {},
    { pinned: true, verified: { full: "2026-11-26T00:00:00Z", quick: "2026-12-01T00:00:00Z" } },
    { pinned: true },
  ]);
});

Deno.test("verifiedText() tells days and levels, and none after one that checks more", () => {
  const [first, second, third] = ["2026-11-24T00:00:00Z", "2026-11-24T01:00:00Z", "2026-11-26T00:00:00Z"];
  assert.equal(verifiedText(), "");
  assert.equal(verifiedText({ quick: first! }), "2026-11-24 (quick)");
  assert.equal(verifiedText({ quick: first!, sample: second!, full: third! }), "2026-11-26 (full)");
  assert.equal(
    verifiedText({ quick: third!, sample: first!, full: second! }),
    "2026-11-24 (full), 2026-11-26 (quick)",
  );
});

Deno.test("markText() says when, why and how", () => {
  const mark = { ...backup, time };
  assert.deepEqual(markText({ ...mark, name: PINNED, reason: "audit" }), [
    "pinned",
    "since 2026-11-25 00:00:00Z: audit",
  ]);
  assert.deepEqual(
    markText({
      ...mark,
      name: verifiedMark("sample", new Date(time)),
      details: {
        level: "sample",
        percent: 2.5,
        seed: "0007",
        parts: 1,
        bytes: 949872,
        tool: "vaultra 1.0.0",
      },
    }),
    [
      "verified",
      "2026-11-25 00:00:00Z: sample, 2.5% of the parts, seed 0007, 1 part, 927.6 KiB read, by vaultra 1.0.0",
    ],
  );
  const quick = { ...mark, name: verifiedMark("quick", new Date(time)), details: { parts: 0, bytes: 0 } };
  assert.deepEqual(markText(quick), ["verified", "2026-11-25 00:00:00Z: quick"]);
  assert.deepEqual(markText({ ...mark, name: "drilled", details: { rows: 7 } }), [
    "drilled",
    "2026-11-25 00:00:00Z: rows 7",
  ]);
  assert.deepEqual(markText({ ...mark, name: "drilled" }), ["drilled", "2026-11-25 00:00:00Z"]);
  // A damaged one holds, and tells no more than its name.
  const { time: _time, ...damaged } = mark;
  assert.deepEqual(markText({ ...damaged, name: PINNED }), ["pinned", "at an unknown time"]);
});
