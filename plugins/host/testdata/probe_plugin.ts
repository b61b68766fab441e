/** A database plugin that tries to reach what it may and what it may not; `inspect` tells what came of it. */
import type { DatabaseAdapter } from "../../../core/database.ts";
import type { Permissions } from "../../../core/permissions.ts";
import { definePlugin } from "../../../core/plugin.ts";

/** What is granted, and what the probes reach for. */
export interface ProbeConfig {
  readonly granted: Permissions;
  /** A file within what may be read, and one outside of it. */
  readonly inside: string;
  readonly outside: string;
  /** A JSON file outside. */
  readonly json: string;
  /** Ports of 127.0.0.1, one granted. */
  readonly openPort: number;
  readonly closedPort: number;
}

export default definePlugin({
  kind: "database",
  name: "probe",
  apiVersion: 1,
  summary: "Tries to leave its sandbox",
  schemes: ["probe"],
  config: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as ProbeConfig }) },
  },
  permissions: (config: ProbeConfig) => config.granted,
  redact: () => ({}),
  title: () => "probe",
  async open(config, context): Promise<DatabaseAdapter> {
    const { runProbes } = await import("./probes.ts");
    return {
      capabilities: {
        types: ["full"],
        pointInTime: false,
        selective: false,
        rename: false,
        outputs: ["database"],
      },
      inspect: async () => ({
        engine: "probe",
        version: "1",
        bytes: 0,
        objects: [],
        properties: await runProbes(config, context),
      }),
      backup: () => Promise.reject(new Error("A probe has no backup")),
      restore: () => Promise.reject(new Error("A probe has no restore")),
      async *checks() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
});
