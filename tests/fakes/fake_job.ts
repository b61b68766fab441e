import assert from "node:assert/strict";
import type { RunDocument } from "../../core/catalog/runs.ts";
import type { Job } from "../../core/config/job.ts";
import { VaultraError } from "../../core/errors.ts";
import { surroundings, type VaultraEvent } from "../../core/events.ts";
import type { Operation } from "../../core/operation.ts";
import { type AnyPlugin, definePlugin } from "../../core/plugin.ts";
import type { ObjectStore } from "../../core/store.ts";
import { FakeDatabase } from "./fake_database.ts";
import { type Fault, FaultyStore } from "./faulty_store.ts";
import { InProcessHost } from "./in_process_host.ts";
import { MemoryStore } from "./memory_store.ts";

/** Who runs the backups. */
export const owner = { host: "test", pid: 1 };

/** A job of a fake database into a store, and the operation that runs it. */
export function setUp(faults: readonly Fault[] = []) {
  const memory = new MemoryStore();
  const store: ObjectStore = new FaultyStore(memory, faults);
  const database = new FakeDatabase();
  database.tables.set("users", Array.from({ length: 1000 }, (_, index) => `user ${index}`));
  database.tables.set('odd "näme"', ["one"]);
  database.tables.set("empty", []);
  const plugin: AnyPlugin = definePlugin({
    kind: "store",
    name: "test",
    apiVersion: 1,
    summary: "",
    schemes: ["test"],
    config: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
    permissions: () => ({}),
    redact: () => ({}),
    title: () => "test",
    // The store outlives the operation that closes it: the test looks into it afterwards.
    open: () =>
      Promise.resolve(
        new Proxy(store, {
          get: (target, key) => {
            if (key === Symbol.asyncDispose) return () => Promise.resolve();
            const value = Reflect.get(target, key);
            return typeof value === "function" ? value.bind(target) : value;
          },
        }),
      ),
  });
  const controller = new AbortController();
  const events: VaultraEvent[] = [];
  const kept: RunDocument[] = [];
  const operation: Operation = {
    host: new InProcessHost(),
    signal: controller.signal,
    listener: (event) => events.push(event),
    surroundings,
    workers: 1,
    keepRun: (run) => Promise.resolve(void kept.push(run)),
  };
  const job: Job = {
    name: "shop",
    database: { plugin: { plugin: database.plugin, module: "" }, config: {} },
    store: { name: "test", plugin: { plugin, module: "" }, config: {} },
    only: [],
    exclude: [],
    excludeData: [],
    compression: { name: "zstd", level: 3 },
    proof: "rows",
    parallel: 1,
    limits: {},
    warnings: [],
  };
  return { memory, database, operation, job, controller, events, kept };
}

/** All keys of a store. */
export async function keys(store: ObjectStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(""))).map((object) => object.key);
}

/** The error that a promise ends with, which must be one of Vaultra's. */
export async function failure(promise: Promise<unknown>): Promise<VaultraError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof VaultraError, String(error));
    return error;
  }
  assert.fail("nothing failed");
}
