/**
 * Bytes between the host and a plugin's Worker: buffers of {@linkcode CHUNK_BYTES} are transferred, never copied,
 * and come back with the credit that lets their sender send one more. Small pieces travel as copies. Events stand in
 * the same order as the bytes around them.
 *
 * @module
 */
import { type ErrorData, VaultraError } from "../../core/errors.ts";
import { BLAME_PLUGIN } from "../../core/hints.ts";
import { type Bytes, type ByteStream, type Chunk, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import { fromWire, toWire } from "./wire_error.ts";

/** Up to this many bytes are copied: a buffer of their own would cost more. */
const INLINE_BYTES = 64 << 10;

/** Buffers on their way for a plain stream of bytes. */
const STREAM_WINDOW = 4;

/** Free buffers that one side keeps for reuse. */
const MAX_FREE = 40;

/** What travels on a channel: the first four to the receiver, the others back to the sender. */
export type ChannelMessage =
  | { readonly kind: "event"; readonly value: unknown }
  /** `tag` tells the streams of one channel apart. */
  | { readonly kind: "data"; readonly tag: number; readonly buffer: ArrayBuffer; readonly length: number }
  | { readonly kind: "end" }
  | { readonly kind: "fail"; readonly error: ErrorData }
  /** One piece was taken; its buffer comes back, if it had one and it is still there. */
  | { readonly kind: "credit"; readonly buffer?: ArrayBuffer }
  /** The receiver wants no more. */
  | { readonly kind: "stop"; readonly reason: ErrorData };

/** Sends one message to the other end of a channel. */
export type Post = (message: ChannelMessage, transfer?: Transferable[]) => void;

/** What a side does when the other one leaves it waiting. */
export interface Patience {
  readonly milliseconds: number;
  /** Called when the time is over; it must end the channel. */
  expired(): void;
}

/** Waits, and tells when it takes too long. */
async function wait(turn: Promise<void>, patience: Patience | undefined): Promise<void> {
  const timer = patience && setTimeout(() => patience.expired(), patience.milliseconds);
  try {
    await turn;
  } finally {
    clearTimeout(timer);
  }
}

/** Free buffers of one side, shared by its channels. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];

  /** A free buffer, or a new one. */
  take(): Bytes {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(CHUNK_BYTES));
  }

  /** Keeps a buffer for reuse; one that was lost on its way (its length is 0 then) is let go. */
  give(buffer: ArrayBuffer): void {
    const fit = buffer instanceof ArrayBuffer && !buffer.resizable && buffer.byteLength === CHUNK_BYTES;
    if (fit && this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

/** How a channel's sending end behaves. */
export interface SenderOptions {
  /** Pieces on their way beyond which {@linkcode ChannelSender.buffer} waits. */
  readonly window?: number;
  readonly patience?: Patience;
}

/** The end of a channel that sends. */
export class ChannelSender {
  readonly #post: Post;
  readonly #pool: BufferPool;
  readonly #patience: Patience | undefined;
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  readonly #stopped = new AbortController();
  readonly #window: number;
  #inFlight = 0;
  #ended = false;

  constructor(post: Post, pool: BufferPool, options: SenderOptions = {}) {
    this.#post = post;
    this.#pool = pool;
    this.#window = options.window ?? STREAM_WINDOW;
    this.#patience = options.patience;
  }

  /** Aborted when the receiver wants no more; the reason is its error. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * An empty buffer of {@linkcode CHUNK_BYTES}, once fewer pieces than the window are on their way.
   * @throws {VaultraError} Why the receiver wants no more.
   */
  async buffer(): Promise<Bytes> {
    while (this.#inFlight >= this.#window && !this.stopped.aborted) {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn);
      await wait(turn.promise, this.#patience);
    }
    if (this.stopped.aborted) throw this.stopped.reason;
    return this.#pool.take();
  }

  /** Sends the first `length` bytes of a buffer, which is gone after it. */
  send(bytes: Bytes, length: number, tag = 0): void {
    this.#inFlight++;
    if (length > INLINE_BYTES) {
      this.#post({ kind: "data", tag, buffer: bytes.buffer, length }, [bytes.buffer]);
    } else {
      const copy = bytes.slice(0, length).buffer;
      this.#pool.give(bytes.buffer);
      this.#post({ kind: "data", tag, buffer: copy, length }, [copy]);
    }
  }

  /** Gives back a buffer that was not sent. */
  giveBack(bytes: Bytes): void {
    this.#pool.give(bytes.buffer);
  }

  /** Sends an event, in its place between the bytes. */
  event(value: unknown): void {
    if (!this.#ended) this.#post({ kind: "event", value });
  }

  /**
   * Sends a whole stream and ends the channel, with the stream's error if it has one.
   * @throws What the stream threw, or why the receiver wants no more.
   */
  async sendAll(stream: ByteStream): Promise<void> {
    let buffer: Bytes | undefined;
    let used = 0;
    try {
      for await (const block of stream) {
        for (let at = 0; at < block.length;) {
          buffer ??= await this.buffer();
          const piece = block.subarray(at, at + buffer.length - used);
          buffer.set(piece, used);
          used += piece.length;
          at += piece.length;
          if (used < buffer.length) continue;
          this.send(buffer, used);
          buffer = undefined;
          used = 0;
        }
      }
      if (buffer !== undefined) this.send(buffer, used);
      this.end();
    } catch (thrown) {
      this.fail(thrown);
      throw thrown;
    }
  }

  /** Ends the channel: all was sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post({ kind: "end" });
  }

  /** Ends the channel with an error. */
  fail(thrown: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post({ kind: "fail", error: toWire(thrown) });
  }

  /**
   * Takes what the receiver sent back.
   * @throws {VaultraError} `plugin.malformed`
   */
  receive(message: ChannelMessage): void {
    if (message.kind === "credit") {
      if (--this.#inFlight < 0) throw malformed("more credits than it got data");
      if (message.buffer !== undefined) this.#pool.give(message.buffer);
      if (this.#inFlight < this.#window) this.#waiting.shift()?.resolve();
    } else if (message.kind === "stop") {
      this.stop(fromWire(message.reason));
    }
  }

  /** Lets all that wait here, now and later, fail with `reason`. */
  stop(reason: VaultraError): void {
    this.#stopped.abort(reason);
    for (const turn of this.#waiting.splice(0)) turn.resolve();
  }
}

/** What comes out of a channel, in order. */
export type ChannelItem =
  | { readonly kind: "event"; readonly value: unknown }
  | { readonly kind: "data"; readonly tag: number; readonly chunk: Chunk };

/** What a receiver puts up with. */
export interface ReceiverLimits {
  /** Pieces that may be unreleased at a time: the sender's window, and what it may send beside it. */
  readonly pieces: number;
  /** Items that may wait unread. */
  readonly items: number;
  readonly patience?: Patience;
}

/** For a plain stream of bytes. */
export const streamLimits = { pieces: STREAM_WINDOW, items: STREAM_WINDOW } as const;

/** The end of a channel that receives. Nothing that arrives is trusted. */
export class ChannelReceiver {
  readonly #limits: ReceiverLimits;
  readonly #post: Post;
  readonly #queue: ChannelItem[] = [];
  #outstanding = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #end: { readonly error?: unknown } | undefined;
  #stopped = false;

  constructor(post: Post, limits: ReceiverLimits = streamLimits) {
    this.#post = post;
    this.#limits = limits;
  }

  /**
   * Takes what the sender sent.
   * @returns Whether the channel is over.
   * @throws {VaultraError} `plugin.malformed`, `plugin.flood`
   */
  receive(message: ChannelMessage): boolean {
    switch (message.kind) {
      case "data":
        this.#data(message);
        return false;
      case "event":
        this.#add({ kind: "event", value: message.value });
        return false;
      case "end":
        this.close();
        return true;
      case "fail":
        this.close(fromWire(message.error));
        return true;
      default:
        throw malformed("a message of an unknown kind");
    }
  }

  #data({ tag, buffer, length }: ChannelMessage & { readonly kind: "data" }): void {
    // Neither shared nor growing memory: what was checked must stay as it was.
    const sound = buffer instanceof ArrayBuffer && !buffer.resizable && Number.isSafeInteger(tag) &&
      Number.isSafeInteger(length) && length > 0 && length <= buffer.byteLength &&
      (buffer.byteLength === CHUNK_BYTES || (length === buffer.byteLength && length <= INLINE_BYTES));
    if (!sound) throw malformed("a malformed piece of data");
    let released = false;
    const release = (back: ArrayBuffer = buffer) => {
      if (released) return;
      released = true;
      this.#outstanding--;
      if (back.byteLength === CHUNK_BYTES) this.#post({ kind: "credit", buffer: back }, [back]);
      else this.#post({ kind: "credit" });
    };
    const item: ChannelItem = {
      kind: "data",
      tag,
      chunk: { bytes: new Uint8Array(buffer, 0, length), release },
    };
    this.#outstanding++;
    if (this.#outstanding > this.#limits.pieces) throw flood("more data than it was asked for");
    if (this.#stopped) return release();
    this.#add(item);
  }

  #add(item: ChannelItem): void {
    if (this.#stopped) return;
    if (this.#queue.length >= this.#limits.items) throw flood("more events than can be taken");
    this.#queue.push(item);
    this.#waiting?.resolve();
  }

  /**
   * The next item, or `undefined` after the last.
   * @throws {VaultraError} The sender's error, or why the channel was stopped.
   */
  async next(): Promise<ChannelItem | undefined> {
    while (true) {
      const item = this.#queue.shift();
      if (item !== undefined) return item;
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return undefined;
      this.#waiting = Promise.withResolvers();
      await wait(this.#waiting.promise, this.#limits.patience);
    }
  }

  /** The channel's bytes, to be iterated once; each block is valid until the next one is asked for. */
  async *bytes(): AsyncGenerator<Bytes, void, void> {
    try {
      for (let item; (item = await this.next()) !== undefined;) {
        if (item.kind !== "data") throw malformed("an event among bytes");
        try {
          yield item.chunk.bytes;
        } finally {
          item.chunk.release();
        }
      }
    } finally {
      this.stop(new VaultraError("interrupted", "The rest was not wanted"));
    }
  }

  /** Ends the channel from this side: what is queued is dropped, and the sender is told. */
  stop(reason: VaultraError): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const item of this.#queue.splice(0)) if (item.kind === "data") item.chunk.release();
    if (this.#end === undefined) this.#post({ kind: "stop", reason: toWire(reason) });
    // Also when the sender had ended already: what was dropped must not look like a whole stream.
    this.#end = { error: reason };
    this.#waiting?.resolve();
  }

  /** Ends the channel after what is queued, with an error if one is given. */
  close(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#waiting?.resolve();
  }
}

/** The error for a Worker that sends what no guest of ours sends. */
export function malformed(what: string): VaultraError {
  return new VaultraError("plugin.malformed", `The plugin's Worker sent ${what}`, { hint: BLAME_PLUGIN });
}

/** The error for a Worker that sends too much. */
export function flood(what: string): VaultraError {
  return new VaultraError("plugin.flood", `The plugin's Worker sent ${what}`, { hint: BLAME_PLUGIN });
}
