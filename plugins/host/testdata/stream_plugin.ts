/** A database plugin whose content is made up: a backup writes patterns, a restore tells what it got. */
import type { DatabaseAdapter } from "../../../core/database.ts";
import { definePlugin } from "../../../core/plugin.ts";

/** What it writes. */
export interface StreamConfig {
  readonly act:
    | "large"
    | "small entries"
    | "interleaved"
    | "side by side"
    | "too many begins"
    | "breaks"
    | "two writes"
    | "open end"
    | "endless";
  readonly bytes?: number;
}

export default definePlugin({
  kind: "database",
  name: "stream",
  apiVersion: 1,
  summary: "Writes patterns",
  schemes: ["stream"],
  config: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as StreamConfig }) },
  },
  permissions: () => ({}),
  redact: () => ({}),
  title: () => "stream",
  async open(config, context): Promise<DatabaseAdapter> {
    const { StreamSource, StreamTarget } = await import("./stream_service.ts");
    return {
      capabilities: {
        types: ["full"],
        pointInTime: false,
        selective: false,
        rename: false,
        outputs: ["database", "sql"],
      },
      inspect: () => Promise.reject(new Error("Nothing to inspect")),
      backup: () => Promise.resolve(new StreamSource(config, context)),
      restore: () => Promise.resolve(new StreamTarget()),
      async *checks() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
});
