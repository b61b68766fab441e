/// <reference lib="deno.worker" />
/**
 * What runs in every plugin's Worker: it hardens the Worker, then imports the plugin, opens its service and answers the
 * host's calls. Every failure becomes an answer, because the runtime prints what a Worker throws.
 *
 * @module
 */
import "./net_fix.ts";
import { VaultraError } from "../../core/errors.ts";
import { BLAME_PLUGIN } from "../../core/hints.ts";
import type { AnyPlugin, PluginContext } from "../../core/plugin.ts";
import { databaseHandlers } from "./guest_database.ts";
import { GuestLog } from "./guest_log.ts";
import { Handles } from "./handles.ts";
import { storeHandlers } from "./guest_store.ts";
import type { GuestStart } from "./guest_worker.ts";
import { harden } from "./harden.ts";
import { type Handler, Rpc } from "./rpc.ts";
import { fromWire, oneLine, toWire } from "./wire_error.ts";

/** Imports a plugin's module. */
type Load = () => Promise<unknown>;

/**
 * Waits for the host's first message and serves it from then on.
 * @param load Imports the plugin; absent when its module's URL comes with that message.
 */
export function serve(load?: Load): void {
  self.onmessage = (event: MessageEvent<GuestStart>) => {
    self.onmessage = null;
    start(event.data, load ?? (() => import(event.data.module)));
  };
}

function start({ port, kind, name, config, purpose, env }: GuestStart, load: Load): void {
  const cancelled = new AbortController();
  const handles = new Handles();
  const handlers: Record<string, Handler> = {
    open: async () => {
      const plugin = await importPlugin(load, kind, name);
      const service = await plugin.open(config, context);
      handles.add(service);
      const { opened, answers } = "backup" in service
        ? databaseHandlers(service, rpc, handles)
        : storeHandlers(service, rpc, handles);
      Object.assign(handlers, answers);
      return opened;
    },
    "iterator.next": ([handle]) => handles.nextItems(handle),
    "iterator.return": ([handle]) => handles.dispose(handle),
    dispose: ([handle]) => handles.dispose(handle),
    close: () => handles.disposeAll(),
  };
  const rpc = new Rpc(port, {
    handlers,
    note: (note, value) => {
      if (note === "ping") rpc.note("pong");
      else if (note === "abort") cancelled.abort(fromWire(value));
    },
    // The host never sends anything malformed: were it so, it would wait in vain and end this Worker.
    violated: (error) => rpc.note("crashed", toWire(error)),
  });
  const log = new GuestLog((level, message, fields) => rpc.note("log", [level, message, fields]));
  const context: PluginContext = {
    signal: cancelled.signal,
    log,
    purpose,
    env,
    syncFolder: async (path) => void await rpc.call("syncFolder", [path], { deadline: CALL_DEADLINE }),
    temporary(path) {
      rpc.note("temporary", path);
      return { [Symbol.dispose]: () => rpc.note("settled", path) };
    },
    async blocking(milliseconds, call) {
      rpc.note("blocking", milliseconds);
      try {
        return await call();
      } finally {
        rpc.note("blocking", 0);
      }
    },
  };
  const crashed = (reason: unknown) => rpc.note("crashed", toWire(reason));
  self.addEventListener("error", (event) => {
    event.preventDefault();
    crashed(event.error);
  });
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    crashed(event.reason);
  });
  harden({
    env,
    print: (level, text) => log[level](text),
    exited: () => {
      rpc.note("exited");
      throw new VaultraError("plugin.exited", "A plugin cannot end its Worker", { hint: BLAME_PLUGIN });
    },
  });
}

/** For what the host does on the plugin's behalf, milliseconds. */
const CALL_DEADLINE = 10 * 60_000;

/** @throws {VaultraError} `plugin.not-loaded`, `plugin.not-a-plugin` */
async function importPlugin(load: Load, kind: string, name: string): Promise<AnyPlugin> {
  let plugin: Partial<AnyPlugin> | undefined;
  try {
    plugin = (await load() as { readonly default?: Partial<AnyPlugin> }).default;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new VaultraError(
      "plugin.not-loaded",
      `Cannot load the ${kind} plugin "${name}": ${oneLine(message, 300)}`,
      {
        hint: "Check that the plugin is whole and made for this version of Vaultra.",
      },
    );
  }
  if (
    plugin?.kind === kind && plugin.name === name && plugin.apiVersion === 1 &&
    typeof plugin.open === "function"
  ) {
    return plugin as AnyPlugin;
  }
  throw new VaultraError(
    "plugin.not-a-plugin",
    `The module of the ${kind} plugin "${name}" defines something else`,
    {
      hint: "Its default export must be the plugin's definition, of API version 1.",
    },
  );
}
