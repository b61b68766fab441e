/** A database plugin that breaks the rules in the way that its configuration names, when it is inspected. */
import { VaultraError } from "../../../core/errors.ts";
import type { DatabaseAdapter } from "../../../core/database.ts";
import type { Permissions } from "../../../core/permissions.ts";
import { definePlugin, type PluginContext } from "../../../core/plugin.ts";

/** What it does. */
export interface HostileConfig {
  readonly act: string;
  readonly granted?: Permissions;
  readonly path?: string;
}

export default definePlugin({
  kind: "database",
  name: "hostile",
  apiVersion: 1,
  summary: "Breaks the rules",
  schemes: ["hostile"],
  config: {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as HostileConfig }) },
  },
  permissions: ({ granted }: HostileConfig) => granted ?? {},
  redact: () => ({}),
  title: () => "hostile",
  async open(config, context): Promise<DatabaseAdapter> {
    const { perform } = await import("./hostile_acts.ts");
    if (config.act === "throw in open") {
      throw new VaultraError("database.refused", "The server said no", { hint: "Ask it." });
    }
    if (config.act === "hang in open") { while (true); }
    return {
      capabilities: {
        types: ["full"],
        pointInTime: false,
        selective: false,
        rename: false,
        outputs: ["database"],
      },
      inspect: () => inspect(perform, config, context),
      backup: () => Promise.reject(new Error("No backup")),
      restore: () => Promise.reject(new Error("No restore")),
      async *checks() {
        for (let each = 0; each < 1_000; each++) {
          yield { name: `check.${each}`, status: "ok" as const, found: "All is well" };
        }
      },
      async [Symbol.asyncDispose]() {
        if (config.act === "never close") await new Promise(() => {});
      },
    };
  },
});

async function inspect(
  perform: (config: HostileConfig, context: PluginContext) => unknown,
  config: HostileConfig,
  context: PluginContext,
) {
  const bytes = await perform(config, context);
  return { engine: "hostile", version: "1", bytes: bytes as number, objects: [], properties: {} };
}
