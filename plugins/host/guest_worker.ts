/**
 * A plugin's Worker as the host sees it: started, watched, called and ended.
 *
 * @module
 */
import type { z } from "zod";
import { VaultraError } from "../../core/errors.ts";
import { BLAME_PLUGIN } from "../../core/hints.ts";
import type { OpenOptions, PluginKind, RegisteredPlugin } from "../../core/plugin.ts";
import { abortError } from "../../core/streams/abortable.ts";
import { type ChannelReceiver, malformed, type Patience } from "./channel.ts";
import { DISPOSE_DEADLINE, type HostDeadlines, MAX_BLOCKING, MIN_CLEAN_UP } from "./deadlines.ts";
import { syncGrantedFolder } from "./folder_sync.ts";
import { Heartbeat } from "./heartbeat.ts";
import { PluginLog } from "./plugin_log.ts";
import { type CallOptions, type Handler, Rpc } from "./rpc.ts";
import { batch, done, fit, iteratorHandle } from "./shapes.ts";
import { TemporaryFiles } from "./temporary_files.ts";
import { fromWire, oneLine, toWire } from "./wire_error.ts";
import { type WorkerPermissions, workerPermissions } from "./worker_permissions.ts";

/** What the Worker is told when it starts. */
export interface GuestStart {
  readonly port: MessagePort;
  /** The module to import when the entry brought none; see {@linkcode entryOf}. */
  readonly module: string;
  readonly kind: PluginKind;
  readonly name: string;
  readonly config: unknown;
  readonly purpose: OpenOptions["purpose"];
  readonly env: Readonly<Record<string, string>>;
}

/** How a call to a guest is made. */
export interface GuestCall {
  /** Milliseconds; {@linkcode HostDeadlines.answer} unless set. */
  readonly deadline?: number;
  /** Cancels the call, besides the service's own signal. */
  readonly signal?: AbortSignal;
  readonly transfer?: Transferable[];
  /** Made even after the service's signal was aborted: what cleans up. */
  readonly always?: boolean;
}

/** Starts and holds one Worker. */
export class GuestWorker implements AsyncDisposable {
  readonly rpc: Rpc;
  readonly deadlines: HostDeadlines;
  /** What the guest may call. */
  readonly handlers: Record<string, Handler> = {};
  readonly #title: string;
  readonly #worker: Worker;
  readonly #heartbeat: Heartbeat;
  readonly #log: PluginLog;
  readonly #outside: AbortSignal;
  readonly #temporary: TemporaryFiles;
  #abortedAt = 0;
  #failure: VaultraError | undefined;

  private constructor(
    registered: RegisteredPlugin,
    config: unknown,
    options: OpenOptions,
    deadlines: HostDeadlines,
    variable: (name: string) => string | undefined,
  ) {
    const { plugin, module } = registered;
    const asked = plugin.permissions(config, options.purpose);
    this.deadlines = deadlines;
    this.#title = `${plugin.kind} plugin "${plugin.name}"`;
    this.#log = new PluginLog(options.log);
    this.#outside = options.signal;
    this.#temporary = new TemporaryFiles(asked.write ?? []);
    this.handlers.syncFolder = ([path]) => syncGrantedFolder(path, asked.write ?? []);
    this.#worker = startWorker(this.#title, module, workerPermissions(asked));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.fail(this.#crashed(event.message));
    };
    this.#worker.onmessageerror = () => this.fail(malformed("a message that cannot be read"));
    const { port1, port2 } = new MessageChannel();
    this.rpc = new Rpc(port1, {
      handlers: this.handlers,
      note: (name, value) => this.#note(name, value),
      violated: (error) => this.fail(error),
    });
    const start: GuestStart = {
      port: port2,
      module,
      kind: plugin.kind,
      name: plugin.name,
      config,
      purpose: options.purpose,
      env: pickVariables(asked.env ?? [], variable),
    };
    this.#worker.postMessage(start, [port2]);
    this.#heartbeat = new Heartbeat(deadlines.silence, {
      ping: () => this.rpc.note("ping"),
      received: () => this.rpc.received,
      silent: () => this.fail(this.#hung()),
    });
    options.signal.addEventListener("abort", this.#abort);
    if (options.signal.aborted) this.#abort();
  }

  /**
   * Starts a Worker and opens the plugin's service in it.
   * @param variable The value of an environment variable; asked only for those that the permissions name.
   * @returns The Worker, and what the service told of itself.
   * @throws {VaultraError} `plugin.*`, or what the plugin's `open` threw. The Worker is ended then.
   */
  static async open<T>(
    registered: RegisteredPlugin,
    config: unknown,
    shape: z.ZodType<T>,
    options: OpenOptions,
    host: { readonly deadlines: HostDeadlines; variable(name: string): string | undefined },
  ): Promise<{ readonly guest: GuestWorker; readonly opened: T }> {
    options.signal.throwIfAborted();
    const guest = new GuestWorker(registered, config, options, host.deadlines, (name) => host.variable(name));
    try {
      const opened = await guest.call("open", [], shape, { deadline: host.deadlines.open });
      return { guest, opened };
    } catch (error) {
      guest.end(new VaultraError("plugin.closed", "The plugin is closed"));
      throw error;
    }
  }

  /**
   * Calls a method of the guest.
   * @throws {VaultraError} What the plugin threw; `plugin.*` when its Worker is over or its answer malformed.
   */
  async call<T>(
    method: string,
    args: readonly unknown[],
    shape: z.ZodType<T>,
    call: GuestCall = {},
  ): Promise<T> {
    const signal = call.always ? call.signal : this.either(call.signal);
    const options: CallOptions = {
      deadline: call.deadline ?? this.deadlines.answer,
      ...(signal === undefined ? {} : { signal }),
      ...(call.transfer === undefined ? {} : { transfer: call.transfer }),
    };
    return this.checked(shape, await this.rpc.call(method, args, options), method);
  }

  /** What an `AsyncIterable` in the guest yields, fetched in batches. */
  async *iterate<T>(
    method: string,
    args: readonly unknown[],
    shape: z.ZodType<T>,
  ): AsyncGenerator<T, void, void> {
    const handle = await this.call(method, args, iteratorHandle);
    let over = false;
    try {
      while (!over) {
        const next = await this.call("iterator.next", [handle], batch);
        over = next.done;
        for (const item of next.items) yield this.checked(shape, item, method);
      }
    } finally {
      if (!over && this.#failure === undefined) {
        await this.call("iterator.return", [handle], done, { always: true });
      }
    }
  }

  /** An answer in its shape; a plugin that answers otherwise is ended. */
  checked<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
    try {
      return fit(shape, value, what);
    } catch (error) {
      throw this.fail(error as VaultraError);
    }
  }

  /** Whether the Worker was ended. */
  get over(): boolean {
    return this.#failure !== undefined;
  }

  /** How long the plugin may leave the host waiting for the next piece of `what`. */
  patience(what: string): Patience {
    const milliseconds = this.deadlines.stall;
    const expired = () =>
      void this.fail(
        new VaultraError(
          "plugin.stalled",
          `The plugin moved no byte of ${what} for ${milliseconds / 1000} s`,
          {
            hint: "Check the network and the server or disk that it talks to.",
          },
        ),
      );
    return { milliseconds, expired };
  }

  /** Aborted when the operation is cancelled, or this one call is. */
  either(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#outside : AbortSignal.any([this.#outside, signal]);
  }

  /** Stops a receiver as soon as the operation is cancelled, or this one call is. */
  stopping(receiver: ChannelReceiver, signal?: AbortSignal): Disposable {
    const either = this.either(signal);
    const stop = () => receiver.stop(abortError(either));
    either.addEventListener("abort", stop, { once: true });
    if (either.aborted) stop();
    return { [Symbol.dispose]: () => either.removeEventListener("abort", stop) };
  }

  /** Ends the Worker for what it did. @returns The error that counts: the first. */
  fail(error: VaultraError): VaultraError {
    if (this.#failure !== undefined) return this.#failure;
    this.end(
      new VaultraError(error.code, `${error.message} (${this.#title})`, {
        hint: error.hint ?? BLAME_PLUGIN,
        cause: error.cause,
      }),
    );
    return this.#failure!;
  }

  /** Ends the Worker at once: all that is pending fails with `reason`. */
  end(reason: VaultraError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#heartbeat.stop();
    this.#outside.removeEventListener("abort", this.#abort);
    this.rpc.end(reason);
    this.#worker.terminate();
    for (const problem of this.#temporary.removeAll()) this.#log.warn(problem);
    this.#log.end();
  }

  /** Disposes a source or a target in the Worker. A failure is told in the log: another error may be under way. */
  async dispose(handle: number): Promise<void> {
    await this.#cleanUp("dispose", [handle], DISPOSE_DEADLINE);
  }

  /** Asks the service to close, waits a little, and ends the Worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp("close", [], this.deadlines.close);
    this.end(new VaultraError("plugin.closed", `The ${this.#title} is closed already`));
  }

  /** Calls what cleans up. A Worker that does not answer in time is ended; after an abort that time is short. */
  async #cleanUp(method: "dispose" | "close", args: readonly unknown[], milliseconds: number): Promise<void> {
    if (this.over) return;
    const left = this.#abortedAt + this.deadlines.close - performance.now();
    const patience = this.#outside.aborted ? Math.max(left, MIN_CLEAN_UP) : milliseconds;
    const timer = setTimeout(() => {
      this.#log.warn(`The ${this.#title} did not clean up in time and was ended`);
      this.end(new VaultraError("plugin.closed", `The ${this.#title} was ended while it cleaned up`));
    }, patience);
    try {
      await this.call(method, args, done, { always: true });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!this.over) this.#log.warn(`The ${this.#title} did not clean up: ${message}`);
    } finally {
      clearTimeout(timer);
    }
  }

  readonly #abort = () => {
    this.#abortedAt = performance.now();
    this.rpc.note("abort", toWire(this.#outside.reason));
  };

  #note(name: string, value: unknown): void {
    switch (name) {
      case "pong":
        return;
      case "log":
        return this.#log.take(value);
      case "temporary":
        return this.#temporary.add(value);
      case "settled":
        return this.#temporary.settle(value);
      case "blocking":
        if (typeof value !== "number" || !(value >= 0)) throw malformed("a malformed announcement");
        return this.#heartbeat.expect(Math.min(value, MAX_BLOCKING));
      case "crashed":
        throw this.#crashed(fromWire(value).message);
      case "exited":
        throw new VaultraError(
          "plugin.exited",
          "The plugin tried to end its Worker in the middle of its work",
        );
      default:
        throw malformed("an unknown note");
    }
  }

  #crashed(message: string): VaultraError {
    return new VaultraError("plugin.crashed", `The plugin's Worker broke down: ${oneLine(message)}`);
  }

  #hung(): VaultraError {
    return new VaultraError(
      "plugin.hung",
      `The plugin's Worker hung or ended: nothing was heard of it for ${this.deadlines.silence / 1000} s`,
    );
  }
}

function startWorker(name: string, module: string, permissions: WorkerPermissions): Worker {
  try {
    return new Worker(entryOf(module), { type: "module", name, deno: { permissions } } as WorkerOptions);
  } catch (cause) {
    throw new VaultraError("plugin.denied", `Cannot start the ${name} with the permissions that it needs`, {
      hint:
        "Give Vaultra at least the permissions that its plugins need: --allow-read, --allow-write, --allow-net, --allow-sys.",
      cause,
    });
  }
}

/**
 * The first module of a Worker. The runtime loads the modules that it names, the plugin's in an `import()` too, with the
 * host's own rights and runs the plugin's only when the guest asks for them; so a plugin of this program's own files
 * needs no right to read them. For a stranger's module that would be a way to read files, by importing them: it comes
 * in a `data:` URL, and the guest imports it with the Worker's rights.
 */
function entryOf(module: string): string {
  const guest = JSON.stringify(import.meta.resolve("./guest.ts"));
  const load = module.startsWith("file:") ? `() => import(${JSON.stringify(module)})` : "";
  return `data:text/javascript,${encodeURIComponent(`import { serve } from ${guest}; serve(${load});`)}`;
}

/** The variables that a plugin named, as far as they are set. */
function pickVariables(names: readonly string[], variable: (name: string) => string | undefined) {
  const env: Record<string, string> = {};
  for (const name of names) {
    const value = variable(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}
