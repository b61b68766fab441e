/** A store plugin that holds nothing: objects are named by their size, and it may break the rules. */
import { definePlugin } from "../../../core/plugin.ts";
import type { ObjectInfo, ObjectStore } from "../../../core/store.ts";
import { CHUNK_BYTES } from "../../../core/streams/bytes.ts";

/** How it behaves. */
export interface StoreConfig {
  readonly act:
    | "sound"
    | "short"
    | "long"
    | "fails in the middle"
    | "refuses"
    | "stores half"
    | "swallows"
    | "lies"
    | "stalls"
    | "other key";
}

const info = (key: string, size: number): ObjectInfo => ({
  key,
  size,
  modified: "2026-01-01T00:00:00Z",
  etag: "1",
});

export default definePlugin({
  kind: "store",
  name: "made-up",
  apiVersion: 1,
  summary: "Holds nothing",
  schemes: ["made-up"],
  config: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as StoreConfig }) },
  },
  permissions: () => ({}),
  redact: () => ({}),
  title: () => "made-up",
  async open({ act }): Promise<ObjectStore> {
    const { createHash } = await import("node:crypto");
    return {
      displayName: "made-up:",
      capabilities: { conditionalPut: true, retention: false },
      get: (key, range) =>
        Promise.resolve((async function* () {
          const block = new Uint8Array(CHUNK_BYTES);
          let left = range?.length ?? Number(key);
          if (act === "short") left -= 1;
          if (act === "long") left += 1;
          for (let number = 0; left > 0; number++) {
            // The same block again and again, as a store that reads files does.
            block.fill(number & 0xff);
            yield block.subarray(0, Math.min(left, block.length));
            left -= block.length;
            if (act === "fails in the middle") throw new Error("Connection reset");
            if (act === "stalls") await new Promise(() => {});
          }
        })()),
      stat: () => Promise.resolve(null),
      async *list() {},
      async put(key, body) {
        if (act === "refuses") throw new Error("No room");
        const hash = createHash("sha256");
        let size = 0;
        try {
          for await (const block of body) {
            hash.update(block);
            size += block.length;
            if (act === "stores half" && size > CHUNK_BYTES) break;
            if (act === "stalls") await new Promise(() => {});
          }
        } catch (error) {
          if (act !== "swallows") throw error;
        }
        if (act === "lies") size--;
        return { ...info(act === "other key" ? "other" : key, size), etag: hash.digest("hex") };
      },
      remove: () => Promise.resolve(),
      async *unfinished() {},
      discard: () => Promise.resolve(),
      async *checks() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
});
