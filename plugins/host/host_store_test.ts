import { join } from "node:path";
import { builtin } from "../builtin.ts";
import { storeSuite } from "../../tests/conformance/store_suite.ts";
import { WorkerHost } from "./host.ts";

const quiet = { debug() {}, info() {}, warn() {} };

storeSuite("WorkerHost file", async () => {
  const folder = await Deno.makeTempDir();
  const { signal } = new AbortController();
  const store = await new WorkerHost().openStore(builtin.get("store", "file"), {
    folder: join(folder, "store"),
  }, {
    purpose: "backup",
    signal,
    log: quiet,
  });
  const dispose = store[Symbol.asyncDispose].bind(store);
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      await dispose();
      await Deno.remove(folder, { recursive: true });
    },
  });
});
