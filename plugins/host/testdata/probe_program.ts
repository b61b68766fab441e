/**
 * Runs all probes of the sandbox and the content check of `node:net`, and prints what was found as JSON. The tests call
 * it, and run it as an executable.
 */
import { join } from "node:path";
import { WorkerHost } from "../host.ts";
import { checkNet } from "./net_check.ts";
import probe, { type ProbeConfig } from "./probe_plugin.ts";

/** A logger that nobody reads. */
export const quiet = { debug() {}, info() {}, warn() {} };

/** What every probe found. */
export async function probeSandbox(): Promise<Record<string, unknown>> {
  const folder = await Deno.makeTempDir();
  const granted = join(folder, "granted");
  const open = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("open"));
  const closed = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("closed"));
  try {
    await Deno.mkdir(granted);
    const config: ProbeConfig = {
      granted: {
        read: [granted],
        write: [granted],
        net: [`127.0.0.1:${open.addr.port}`],
        env: ["PROBE_GRANTED", "PROBE_UNSET"],
      },
      inside: join(granted, "file"),
      outside: join(folder, "secret"),
      json: join(folder, "secret.json"),
      openPort: open.addr.port,
      closedPort: closed.addr.port,
    };
    await Deno.writeTextFile(config.inside, "inside");
    await Deno.writeTextFile(config.outside, "SECRET");
    await Deno.writeTextFile(config.json, `{"secret":"SECRET"}`);
    const host = new WorkerHost({
      variable: (name) => name === "PROBE_UNSET" ? undefined : `value of ${name}`,
    });
    await using database = await host.openDatabase(
      { plugin: probe, module: import.meta.resolve("./probe_plugin.ts") },
      config,
      { purpose: "backup", signal: new AbortController().signal, log: quiet },
    );
    return { ...(await database.inspect()).properties };
  } finally {
    await Promise.all([open.shutdown(), closed.shutdown()]);
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const found = { sandbox: await probeSandbox(), net: await checkNet() };
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(found)));
}
