import assert from "node:assert/strict";
import { syncFolder } from "../../tests/fakes/sync_folder.ts";
import { fileStoreConfig } from "./config.ts";
import plugin from "./plugin.ts";

/** Lets a Worker with the plugin's own rights use a store, and returns what it says. */
async function useInWorker(url: string, outside: string): Promise<unknown> {
  const config = fileStoreConfig.parse({ url });
  const { read = [], write = [], sys = [] } = plugin.permissions(config, "inspect");
  const worker = new Worker(import.meta.resolve("../../tests/fakes/file_store_worker.ts"), {
    type: "module",
    deno: { permissions: { read: [...read], write: [...write], sys: [...sys] } },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = async ({ data }) => {
    if ("result" in data) return resolve(data.result);
    await syncFolder(data.sync);
    worker.postMessage({ synced: data.sync });
  };
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ folder: config.folder, outside });
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

Deno.test("the file plugin works with the rights it asks for, and with no others", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/outside`, "secret");
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink("real", `${folder}/link`);
    for (const root of ["new/deep/store", "real", "link", "link/new"]) {
      assert.deepEqual(await useInWorker(`${folder}/${root}`, `${folder}/outside`), {
        bytes: 999,
        listed: ["job/a"],
        checks: [],
        outside: "NotCapable",
      }, root);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
