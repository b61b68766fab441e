/// <reference lib="deno.worker" />
/**
 * A Worker that uses the file store with the rights that its plugin asked for, and says how that went.
 *
 * @module
 */
import { toVaultraError } from "../../core/errors.ts";
import plugin from "../../stores/file/plugin.ts";

const synced = new Map<string, () => void>();

self.onmessage = async ({ data }: MessageEvent<{ folder: string; outside: string } | { synced: string }>) => {
  if ("synced" in data) return synced.get(data.synced)?.();
  try {
    const line = () => {};
    const store = await plugin.open({ folder: data.folder }, {
      signal: new AbortController().signal,
      purpose: "inspect",
      env: {},
      log: { debug: line, info: line, warn: line },
      blocking: (_, call) => Promise.resolve(call()),
      temporary: () => ({ [Symbol.dispose]: line }),
      syncFolder: (path) =>
        new Promise((resolve) => {
          synced.set(path, resolve);
          self.postMessage({ sync: path });
        }),
    });
    await store.put(
      "job/a",
      (async function* () {
        yield await Promise.resolve(new Uint8Array(1000));
      })(),
      { ifAbsent: true },
    );
    let bytes = 0;
    for await (const block of await store.get("job/a", { offset: 1 })) bytes += block.length;
    const listed = (await Array.fromAsync(store.list(""))).map(({ key }) => key);
    const checks = (await Array.fromAsync(store.checks())).filter(({ status }) => status === "failed");
    await store.remove("job/a");
    const outside = await Deno.readTextFile(data.outside).catch((error) => error.name);
    self.postMessage({ result: { bytes, listed, checks, outside } });
  } catch (error) {
    self.postMessage({ result: toVaultraError(error).toData() });
  }
};
