/**
 * Calls between the host and a plugin's Worker over one port, and the channels of bytes beside them. Both sides use
 * the same class; what arrives is checked on both.
 *
 * @module
 */
import { VaultraError } from "../../core/errors.ts";
import { abortError } from "../../core/streams/abortable.ts";
import {
  BufferPool,
  type ChannelMessage,
  ChannelReceiver,
  ChannelSender,
  flood,
  malformed,
  type ReceiverLimits,
  type SenderOptions,
} from "./channel.ts";
import { fromWire, toWire } from "./wire_error.ts";

/** How long a cancelled call may still take to clean up, milliseconds. */
const CANCEL_GRACE = 5_000;

/** Calls of the other side that may be unanswered at a time. */
const MAX_CALLS = 64;

/** One message on the port. */
export type Message =
  | { readonly type: "call"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly type: "cancel"; readonly id: number; readonly reason: unknown }
  | { readonly type: "return"; readonly id: number; readonly value: unknown }
  | { readonly type: "throw"; readonly id: number; readonly error: unknown }
  | { readonly type: "channel"; readonly id: number; readonly message: ChannelMessage }
  | { readonly type: "note"; readonly name: string; readonly value: unknown };

/** A value whose buffers are transferred with it. */
export class Given {
  constructor(readonly value: unknown, readonly transfer: Transferable[]) {}
}

/** Answers one method. `signal` is aborted, with a `VaultraError`, when the caller gave up. */
export type Handler = (args: readonly unknown[], signal: AbortSignal) => unknown;

/** How a call is made. */
export interface CallOptions {
  /** Milliseconds after which the other side counts as hung. */
  readonly deadline: number;
  /** Cancels the call; the other side gets {@linkcode CANCEL_GRACE} to clean up before the call fails. */
  readonly signal?: AbortSignal;
  readonly transfer?: Transferable[];
}

/** What an end of the port is made with. */
export interface RpcOptions {
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Takes messages that expect no answer. */
  readonly note: (name: string, value: unknown) => void;
  /** Is told what the other side did wrong; it must end this side. */
  readonly violated: (error: VaultraError) => void;
}

interface PendingCall {
  readonly method: string;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** One end of the port. */
export class Rpc {
  readonly #port: MessagePort;
  readonly #options: RpcOptions;
  readonly #pool = new BufferPool();
  readonly #pending = new Map<number, PendingCall>();
  /** Cancelled calls whose answers may still come. */
  readonly #abandoned = new Set<number>();
  readonly #serving = new Map<number, AbortController>();
  readonly #channels = new Map<number, ChannelSender | ChannelReceiver>();
  #lastId = 0;
  #ended: VaultraError | undefined;
  /** Messages that arrived: a sign of life. */
  received = 0;

  constructor(port: MessagePort, options: RpcOptions) {
    this.#port = port;
    this.#options = options;
    port.onmessage = (event) => this.#guard(() => this.#receive(event.data));
    port.onmessageerror = () => options.violated(malformed("a message that cannot be read"));
  }

  /**
   * Calls a method of the other side.
   * @throws {VaultraError} What the method threw, the reason of an abort, or why this end is over. A call that
   * passes its deadline is a violation, `plugin.timeout`.
   */
  async call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const { signal } = options;
    if (signal?.aborted) throw abortError(signal);
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#post({ type: "call", id, method, args }, options.transfer);
    this.#pending.set(id, { method, ...answer });
    const deadline = setTimeout(
      () => this.#options.violated(timeout(method, options.deadline)),
      options.deadline,
    );
    let grace: ReturnType<typeof setTimeout> | undefined;
    const cancel = () => {
      const error = abortError(signal!);
      this.#post({ type: "cancel", id, reason: toWire(error) });
      grace = setTimeout(() => {
        this.#abandoned.add(id);
        this.#pending.delete(id);
        answer.reject(error);
      }, CANCEL_GRACE);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await answer.promise;
    } catch (error) {
      throw signal?.aborted && this.#ended === undefined ? abortError(signal) : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      clearTimeout(deadline);
      clearTimeout(grace);
    }
  }

  /** Tells the other side something that needs no answer. */
  note(name: string, value?: unknown): void {
    this.#post({ type: "note", name, value });
  }

  /** A new channel's number. */
  newChannel(): number {
    return ++this.#lastId;
  }

  /** The sending end of a channel. */
  sender(id: number, options?: SenderOptions): ChannelSender {
    const sender = new ChannelSender(this.#poster(id), this.#pool, options);
    this.#channels.set(id, sender);
    return sender;
  }

  /** The receiving end of a channel. */
  receiver(id: number, limits?: ReceiverLimits): ChannelReceiver {
    const receiver = new ChannelReceiver(this.#poster(id), limits);
    this.#channels.set(id, receiver);
    return receiver;
  }

  /** Forgets a sending end. Credits that still come are dropped. */
  forget(id: number): void {
    this.#channels.delete(id);
  }

  /** Ends everything that is pending with an error and closes the port. */
  end(error: VaultraError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const call of this.#pending.values()) call.reject(error);
    for (const controller of this.#serving.values()) controller.abort(error);
    for (const channel of this.#channels.values()) channel.stop(error);
    this.#pending.clear();
    this.#channels.clear();
    this.#port.close();
  }

  #post(message: Message, transfer: Transferable[] = []): void {
    if (this.#ended === undefined) this.#port.postMessage(message, transfer);
  }

  #poster(id: number) {
    return (message: ChannelMessage, transfer?: Transferable[]) =>
      this.#post({ type: "channel", id, message }, transfer);
  }

  #guard(step: () => void): void {
    if (this.#ended !== undefined) return;
    this.received++;
    try {
      step();
    } catch (error) {
      this.#options.violated(error instanceof VaultraError ? error : malformed("a malformed message"));
    }
  }

  #receive(message: Message): void {
    switch (message.type) {
      case "call":
        return this.#serve(message.id, message.method, message.args);
      case "cancel":
        return this.#serving.get(message.id)?.abort(fromWire(message.reason));
      case "return":
        return this.#answered(message.id)?.resolve(message.value);
      case "throw":
        return this.#answered(message.id)?.reject(fromWire(message.error));
      case "channel":
        return this.#carry(message.id, message.message);
      case "note":
        return this.#options.note(message.name, message.value);
      default:
        throw malformed("a message of an unknown type");
    }
  }

  #answered(id: number): PendingCall | undefined {
    const call = this.#pending.get(id);
    if (call === undefined && !this.#abandoned.delete(id)) throw malformed("an answer that nobody asked for");
    this.#pending.delete(id);
    return call;
  }

  #carry(id: number, message: ChannelMessage): void {
    const channel = this.#channels.get(id);
    const backwards = message.kind === "credit" || message.kind === "stop";
    if (channel === undefined) {
      // Credits of a channel that ended here may still be on their way.
      if (backwards) return;
      throw malformed("data that nobody asked for");
    }
    if (backwards !== channel instanceof ChannelSender) throw malformed("data the wrong way");
    if (channel.receive(message) === true) this.#channels.delete(id);
  }

  #serve(id: number, method: string, args: readonly unknown[]): void {
    const handlers = this.#options.handlers;
    if (!Number.isSafeInteger(id) || this.#serving.has(id) || !Array.isArray(args)) {
      throw malformed("a malformed call");
    }
    if (typeof method !== "string" || !Object.hasOwn(handlers, method)) {
      throw malformed("a call of an unknown method");
    }
    if (this.#serving.size >= MAX_CALLS) throw flood("more calls than can be answered");
    const controller = new AbortController();
    this.#serving.set(id, controller);
    const answer = async () => {
      try {
        const value = await handlers[method]!(args, controller.signal);
        if (value instanceof Given) this.#post({ type: "return", id, value: value.value }, value.transfer);
        else this.#post({ type: "return", id, value });
      } catch (thrown) {
        this.#post({ type: "throw", id, error: toWire(thrown) });
      } finally {
        this.#serving.delete(id);
      }
    };
    // Every failure became an answer.
    void answer();
  }
}

function timeout(method: string, milliseconds: number): VaultraError {
  return new VaultraError(
    "plugin.timeout",
    `The plugin did not answer "${method}" within ${milliseconds / 1000} s`,
    {
      hint: `Check whether what it talks to answers. If it does, the plugin is at fault: tell its author.`,
    },
  );
}
