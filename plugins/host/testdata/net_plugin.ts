/** A database plugin that reads a stream of bytes from a socket, slowly and with pauses; `inspect` tells its SHA-256. */
import type { DatabaseAdapter } from "../../../core/database.ts";
import { definePlugin } from "../../../core/plugin.ts";

/** Where the bytes come from. */
export interface NetConfig {
  readonly port: number;
  readonly tls: boolean;
}

export default definePlugin({
  kind: "database",
  name: "net",
  apiVersion: 1,
  summary: "Reads from a socket, slowly",
  schemes: ["net"],
  config: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as NetConfig }) },
  },
  permissions: ({ port }: NetConfig) => ({ net: [`127.0.0.1:${port}`] }),
  redact: () => ({}),
  title: () => "net",
  async open(config): Promise<DatabaseAdapter> {
    const { readSlowly } = await import("./read_slowly.ts");
    return {
      capabilities: {
        types: ["full"],
        pointInTime: false,
        selective: false,
        rename: false,
        outputs: ["database"],
      },
      inspect: async () => ({
        engine: "net",
        version: "1",
        bytes: 0,
        objects: [],
        properties: await readSlowly(config),
      }),
      backup: () => Promise.reject(new Error("No backup")),
      restore: () => Promise.reject(new Error("No restore")),
      async *checks() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
});
