import assert from "node:assert/strict";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import type { VaultraEvent } from "../events.ts";
import { listRuns, type RunDocument, writeRun } from "./runs.ts";

function run(started: string, more: Partial<RunDocument> = {}): RunDocument {
  return {
    job: "orders",
    command: "backup",
    started,
    finished: started,
    outcome: "ok",
    figures: { bytes: 10 },
    log: ["info core: done"],
    ...more,
  };
}

let counter = 0;
const randomHex = (length: number) => (++counter).toString(16).padStart(length * 2, "0");

Deno.test("listRuns() gives back what writeRun() wrote, newest first, and keeps runs of one second apart", async () => {
  const store = new MemoryStore();
  const error = { code: "store.disk-full", message: "The disk is full", hint: "Free some space" };
  const runs = [
    run("2026-11-24T06:00:00.000Z"),
    run("2026-11-24T06:00:00.500Z", { outcome: "failed", error }),
    run("2026-11-25T06:00:00.000Z", { backup: "20261125T060000Z-full-0001", outcome: "warning" }),
  ];
  const keys = [];
  for (const document of runs) keys.push(await writeRun(store, document, { randomHex }));
  assert.equal(new Set(keys).size, 3);
  const listed = await Array.fromAsync(listRuns(store, "orders"));
  assert.deepEqual(listed[0], runs[2]);
  assert.deepEqual(new Set(listed.map(({ outcome }) => outcome)), new Set(["ok", "failed", "warning"]));
  assert.deepEqual(listed.find(({ outcome }) => outcome === "failed"), runs[1]);
  assert.deepEqual(await Array.fromAsync(listRuns(store, "other")), []);
});

Deno.test("listRuns() passes over what is damaged or another job's, and reports it", async () => {
  const store = new MemoryStore();
  const put = (key: string, text: string) =>
    store.put(
      key,
      (async function* () {
        yield await Promise.resolve(new TextEncoder().encode(text));
      })(),
    );
  await writeRun(store, run("2026-11-24T06:00:00.000Z"), { randomHex });
  await put("orders/runs/20261124T060001Z.json", "{");
  await put(
    "orders/runs/20261124T060002Z.json",
    JSON.stringify(run("2026-11-24T06:00:02Z", { job: "billing" })),
  );
  await put("orders/runs/20261124T060003Z.json", " ".repeat(2 << 20));
  await put("orders/runs/notes.txt", "foreign");
  const events: VaultraEvent[] = [];
  const listed = await Array.fromAsync(listRuns(store, "orders", (event) => events.push(event)));
  assert.equal(listed.length, 1);
  assert.deepEqual(
    events.map((event) => event.type === "warning" && event.code),
    Array(3).fill("damaged.run"),
  );
});
