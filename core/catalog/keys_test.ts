import assert from "node:assert/strict";
import { isKey } from "../store_key.ts";
import {
  archiveKey,
  clockKey,
  jobPrefix,
  lockKey,
  type ParsedKey,
  parseKey,
  recordKey,
  runKey,
  runsPrefix,
} from "./keys.ts";

const job = "orders";
const id = "20261124T064758Z-full-7f3a";
const started = new Date("2026-11-24T06:47:58.123Z");

Deno.test("parseKey() reads every key of the format", () => {
  const made: readonly (readonly [string, string, ParsedKey])[] = [
    [archiveKey(job, id, "zstd", false), `orders/${id}.tar.zst`, { kind: "archive", job, id }],
    [archiveKey(job, id, "zstd", true), `orders/${id}.tar.zst.age`, { kind: "archive", job, id }],
    [archiveKey(job, id, "gzip", false), `orders/${id}.tar.gz`, { kind: "archive", job, id }],
    [archiveKey(job, id, "none", true), `orders/${id}.tar.age`, { kind: "archive", job, id }],
    [recordKey(job, id), `orders/${id}.json`, { kind: "record", job, id }],
    [recordKey(job, `${id}-globals`), `orders/${id}-globals.json`, {
      kind: "record",
      job,
      id: `${id}-globals`,
    }],
    [`${jobPrefix(job)}marks/${id}.verified`, `orders/marks/${id}.verified`, {
      kind: "mark",
      job,
      id,
      mark: "verified",
    }],
    [runKey(job, started), "orders/runs/20261124T064758Z.json", {
      kind: "run",
      job,
      name: "20261124T064758Z",
    }],
    [
      runKey(job, started, "0a1b"),
      "orders/runs/20261124T064758Z-0a1b.json",
      { kind: "run", job, name: "20261124T064758Z-0a1b" },
    ],
    [lockKey(job), ".locks/orders", { kind: "lock", job }],
  ];
  for (const [key, text, parsed] of made) {
    assert.equal(key, text);
    assert.deepEqual(parseKey(key), parsed);
    assert.ok(isKey(key));
  }
  assert.equal(jobPrefix(job), "orders/");
  assert.equal(runsPrefix(job), "orders/runs/");
  assert.equal(parseKey(`orders/${id}.sig`)?.kind, "signature");
  assert.equal(parseKey("orders/drills/20261124T064758Z.json")?.kind, "drill");
});

Deno.test("parseKey() knows no foreign key", () => {
  for (
    const key of [
      "",
      "orders",
      `${id}.json`,
      `/${id}.json`,
      `../${id}.json`,
      `orders/deep/${id}.json`,
      `orders/${id}`,
      `orders/${id}.json.age`,
      `orders/${id}.tar.age.age`,
      `orders/${id}.tar.xz`,
      `orders/x${id}.json`,
      "orders/20261124T064758Z-full-7F3A.json",
      `orders/marks/${id}`,
      `orders/marks/${id}.../x`,
      "orders/runs/today.json",
      ".locks/orders/x",
      clockKey("0a"),
      "-orders/x",
    ]
  ) assert.equal(parseKey(key), undefined, key);
});

Deno.test("recordKey() refuses a job or id that would leave its place", () => {
  assert.throws(() => recordKey("../x", id));
  assert.throws(() => recordKey("a/b", id));
  assert.throws(() => recordKey(job, `../${id}`));
  assert.throws(() => lockKey(".."));
});
