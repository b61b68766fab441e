import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { PluginContext } from "../../../core/plugin.ts";
import type { ProbeConfig } from "./probe_plugin.ts";

/** Each probe gives what it got; what it throws is its answer too. */
type Probe = (config: ProbeConfig, context: PluginContext) => unknown;

// deno-lint-ignore no-explicit-any -- what is looked for here has no types
const all = (value: unknown) => value as any;

const probes: Readonly<Record<string, Probe>> = {
  "read inside": ({ inside }) => Deno.readTextFile(inside),
  "read outside": ({ outside }) => Deno.readTextFile(outside),
  "stat outside": ({ outside }) => Deno.stat(outside).then(({ size }) => size),
  "node:fs outside": ({ outside }) => readFileSync(outside, "utf8"),
  "node:sqlite outside": ({ outside }) => new DatabaseSync(outside).close(),
  "write outside": ({ outside }) => Deno.writeTextFile(`${outside}.new`, "x"),
  "link outside": ({ outside, inside }) => Deno.symlink(outside, `${inside}.link`),
  "fetch outside": ({ outside }) => fetch(pathToFileURL(outside)).then((answer) => answer.text()),
  "read own source": () => Deno.readTextFile(new URL(import.meta.url)),
  "import JSON": ({ json }) =>
    import(pathToFileURL(json).href, { with: { type: "json" } }).then((module) => module.default.secret),
  "import text": ({ outside }) =>
    import(pathToFileURL(outside).href, { with: { type: "text" } }).then((module) => module.default),

  "connect open": ({ openPort }) => Deno.connect({ port: openPort }).then((socket) => socket.close()),
  "connect closed": ({ closedPort }) => Deno.connect({ port: closedPort }).then((socket) => socket.close()),
  "fetch closed": ({ closedPort }) => fetch(`http://127.0.0.1:${closedPort}/`).then(({ status }) => status),
  "node:net closed": ({ closedPort }) =>
    new Promise((resolve, reject) => {
      const socket = connect(closedPort, "127.0.0.1", () => {
        socket.destroy();
        resolve("connected");
      });
      socket.on("error", reject);
    }),
  "listen": () => Deno.listen({ port: 0 }).close(),

  "variables": () => JSON.stringify(process.env),
  "context variables": (_, { env }) => JSON.stringify(env),
  "Deno.env": () => Deno.env.get("HOME"),
  "Deno.env whole": () => JSON.stringify(Deno.env.toObject()),
  "host name": () => Deno.hostname(),
  "user": () => process.geteuid?.(),

  "run": () => new Deno.Command("id").output().then(({ code }) => code),
  "node:child_process": () => {
    const { error, status } = spawnSync("id");
    if (error) throw error;
    return status;
  },
  "native code": () => Deno.dlopen("libc.so.6", {}).close(),
  "code from strings": () => new Function("return 1")(),

  "Worker": () => typeof all(globalThis).Worker,
  "getBuiltinModule": () => typeof all(process).getBuiltinModule,
  "getBuiltinModule of the prototype": () => typeof Object.getPrototypeOf(process).getBuiltinModule,
  "global process": () => typeof all(globalThis).process.getBuiltinModule,
  "binding": () => typeof all(process).binding,
  "mainModule": () => typeof all(process).mainModule,
  "internals": () => typeof all(Deno)[all(Deno).internal],
  "asking for permissions": () => typeof all(Deno).permissions,
  "standard input": () => typeof all(Deno).stdin,

  // Where it is denied, the runtime prints why: what is imported statically is refused before any code could catch it.
  "node:worker_threads": async ({ json }) => {
    const { Worker } = await import("node:worker_threads");
    const source = `import x from ${JSON.stringify(pathToFileURL(json).href)} with { type: "json" };
      import { parentPort } from "node:worker_threads"; parentPort.postMessage(x.secret);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    return await new Promise((resolve, reject) => {
      worker.on("message", resolve);
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("exit")));
    });
  },

  // What drivers need must go on working.
  "node:crypto": async () =>
    (await import("node:crypto")).createHash("sha256").update("x").digest("hex").slice(0, 8),
  "node:zlib": async () => {
    const { gzipSync, gunzipSync } = await import("node:zlib");
    return gunzipSync(gzipSync(Buffer.from("zip"))).toString();
  },
};

/** Runs all probes. A probe that was denied gives `denied`, one that failed otherwise its error. */
export async function runProbes(
  config: ProbeConfig,
  context: PluginContext,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, probe] of Object.entries(probes)) {
    try {
      found[name] = `got ${await probe(config, context)}`;
    } catch (error) {
      const { name: kind, message } = error as Error;
      const denied = kind === "NotCapable" || /Requires \w+ access/.test(message);
      found[name] = denied ? "denied" : `${kind}: ${message}`.slice(0, 200);
    }
  }
  return found;
}
