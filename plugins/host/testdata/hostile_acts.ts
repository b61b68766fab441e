import { TransientError } from "../../../core/errors.ts";
import type { PluginContext } from "../../../core/plugin.ts";
import process, { exit } from "node:process";
import type { HostileConfig } from "./hostile_plugin.ts";

const never = () => new Promise<never>(() => {});

/** The guest's port, got by listening in on its next message. */
function stealPort(context: PluginContext): MessagePort {
  const send = MessagePort.prototype.postMessage;
  let stolen: MessagePort | undefined;
  MessagePort.prototype.postMessage = function (this: MessagePort, ...args: unknown[]) {
    stolen = this;
    return Reflect.apply(send, this, args);
  };
  context.log.debug("hello");
  MessagePort.prototype.postMessage = send;
  return stolen!;
}

/** Sends something to the host behind the guest's back, and never answers. */
const raw = (...messages: unknown[]) => (_: HostileConfig, context: PluginContext) => {
  const port = stealPort(context);
  for (const message of messages) port.postMessage(message);
  return never();
};

const acts: Readonly<Record<string, (config: HostileConfig, context: PluginContext) => unknown>> = {
  "foreign error": () => {
    throw new RangeError("first line\nsecond \u001b[31mline");
  },
  "own error": () => {
    throw new TransientError("database.busy", "The server is busy", {
      hint: "Try again.",
      details: { attempt: 3 },
      cause: new Error("socket closed"),
    });
  },
  "forged family": () => {
    throw Object.assign(new Error("All is well"), { name: "VaultraError", code: "warning.fine" });
  },
  "throw nothing": () => Promise.reject(undefined),
  "hang": () => {
    while (true);
  },
  "never answer": never,
  "late throw": () => {
    setTimeout(() => {
      throw new Error("SECRET late");
    });
    return never();
  },
  "unhandled rejection": () => {
    Promise.reject(new Error("SECRET rejection"));
    return never();
  },
  "Deno.exit": () => {
    setTimeout(() => Deno.exit(0));
    return never();
  },
  "process.exit": () => process.exit(0),
  "imported exit": () => exit(0),
  "process.abort": () => process.abort(),
  "self.close": () => {
    // @ts-ignore: types of a window, not of a Worker, hold here
    globalThis.close();
    return never();
  },
  "wrong shape": () => -1,
  "wrong type": () => ({ many: "things" }),
  "not sendable": () => () => {},
  "print": () => {
    // deno-lint-ignore no-console -- what becomes of it is tested
    console.log("to the console", { a: 1 });
    // deno-lint-ignore no-console -- what becomes of it is tested
    console.error("with \u001b[31mcolour\nand lines");
    Deno.stdout.writeSync(new TextEncoder().encode("to stdout"));
    process.stdout.write("to node's stdout");
    return 0;
  },
  "many lines": (_, { log }) => {
    for (let line = 0; line < 10_000; line++) log.info(`line ${line}`);
    return 0;
  },
  "huge line": (_, { log }) => {
    log.info("x".repeat(10_000_000), { big: "y".repeat(10_000_000), odd: 1n });
    return 0;
  },
  "announced silence": (_, { blocking }) =>
    blocking(60_000, () => {
      const end = performance.now() + 2_500;
      while (performance.now() < end);
      return 7;
    }),
  "sync folder": async ({ path }, { syncFolder }) => {
    await syncFolder(path!);
    return 0;
  },
  "temporary file": async ({ path }, context) => {
    using kept = context.temporary(`${path}.settled`);
    await Deno.writeTextFile(`${path}.settled`, "x");
    context.temporary(path!);
    await Deno.writeTextFile(path!, "x");
    return kept === undefined ? 1 : 0;
  },
  "hang with a temporary file": async ({ path }, context) => {
    context.temporary(path!);
    await Deno.writeTextFile(path!, "x");
    await new Promise((resolve) => setTimeout(resolve, 100));
    while (true);
  },
  "temporary file elsewhere": ({ path }, { temporary }) => {
    temporary(path!);
    return never();
  },
  "wait for the signal": (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  "ignore the signal": never,

  "no message": raw(null),
  "unknown message": raw({ type: "nonsense" }),
  "unknown note": raw({ type: "note", name: "nonsense" }),
  "unasked answer": raw({ type: "return", id: 4_711, value: 1 }),
  "unasked data": raw({
    type: "channel",
    id: 4_711,
    message: { kind: "data", tag: 0, buffer: new ArrayBuffer(8), length: 8 },
  }),
  "channel without message": raw({ type: "channel", id: 1 }),
  "unknown method": raw({ type: "call", id: 1, method: "__proto__", args: [] }),
  "malformed call": raw({ type: "call", id: "1", method: "syncFolder", args: 3 }),
  "flood of calls": ({ path }, context) => {
    const port = stealPort(context);
    for (let id = 1; id <= 5_000; id++) {
      port.postMessage({ type: "call", id, method: "syncFolder", args: [path] });
    }
    return never();
  },
  "flood of lines": (_, context) => {
    const port = stealPort(context);
    for (let line = 0; line < 200_000; line++) {
      port.postMessage({ type: "note", name: "log", value: ["info", "x"] });
    }
    return never();
  },
};

/** Does what the configuration names. */
export function perform(config: HostileConfig, context: PluginContext): unknown {
  const act = acts[config.act];
  if (act === undefined) return 0;
  return act(config, context);
}
