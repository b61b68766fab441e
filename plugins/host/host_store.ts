/**
 * The twin of an object store whose plugin runs in a Worker.
 *
 * @module
 */
import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
  Upload,
} from "../../core/store.ts";
import { abortable, abortError } from "../../core/streams/abortable.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import { type ChannelReceiver, malformed, streamLimits } from "./channel.ts";
import { LONG_DEADLINE } from "./deadlines.ts";
import type { GuestWorker } from "./guest_worker.ts";
import { checkShape, done, objectInfo, upload } from "./shapes.ts";

/** Hands every call to the Worker and checks what comes back. */
export class StoreTwin implements ObjectStore {
  readonly capabilities: StoreCapabilities;
  readonly displayName: string;
  readonly #guest: GuestWorker;

  constructor(
    guest: GuestWorker,
    opened: { readonly capabilities: StoreCapabilities; readonly displayName: string },
  ) {
    this.#guest = guest;
    this.capabilities = opened.capabilities;
    this.displayName = opened.displayName;
  }

  /** @inheritdoc */
  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ByteStream> {
    const { rpc } = this.#guest;
    const channel = rpc.newChannel();
    const receiver = rpc.receiver(channel, { ...streamLimits, patience: this.#guest.patience(`"${key}"`) });
    try {
      await this.#guest.call("get", [channel, key, range], done, signal ? { signal } : {});
    } catch (error) {
      receiver.stop(error as VaultraError);
      throw error;
    }
    return this.#whole(receiver, key, range?.length, signal);
  }

  /** The bytes of a range, no fewer and no more. */
  async *#whole(
    receiver: ChannelReceiver,
    key: string,
    length: number | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Bytes, void, void> {
    using _stopping = this.#guest.stopping(receiver, signal);
    let count = 0;
    for await (const block of receiver.bytes()) {
      count += block.length;
      if (length !== undefined && count > length) {
        throw this.#guest.fail(malformed(`more of "${key}" than it was asked for`));
      }
      yield block;
    }
    if (length !== undefined && count < length) {
      throw new VaultraError(
        "damaged.short-object",
        `"${key}" in ${this.displayName} ended after ${count} of ${length} bytes`,
        { hint: "The object was cut; use another backup." },
      );
    }
  }

  /** @inheritdoc */
  stat(key: string): Promise<ObjectInfo | null> {
    return this.#guest.call("stat", [key], objectInfo.nullable());
  }

  /** @inheritdoc */
  list(prefix: string): AsyncIterable<ObjectInfo> {
    return this.#guest.iterate("list", [prefix], objectInfo);
  }

  /** @inheritdoc */
  async put(key: string, body: ByteStream, { signal, ...options }: PutOptions = {}): Promise<ObjectInfo> {
    const either = this.#guest.either(signal);
    if (either.aborted) throw abortError(either);
    const { rpc } = this.#guest;
    const channel = rpc.newChannel();
    const sender = rpc.sender(channel, { patience: this.#guest.patience(`"${key}"`) });
    let sent = 0;
    let bodyError: { readonly error: unknown } | undefined;
    const counted = async function* (): ByteStream {
      try {
        for await (const block of body) {
          sent += block.length;
          yield block;
        }
      } catch (error) {
        bodyError = { error };
        throw error;
      }
    };
    const stop = AbortSignal.any([sender.stopped, either]);
    // Its failure reaches the plugin, which then fails the call: the one that is awaited.
    const pumped = sender.sendAll(abortable(counted(), stop)).then(() => true, () => false);
    try {
      const info = await this.#guest.call("put", [channel, key, options], objectInfo, {
        deadline: LONG_DEADLINE,
        ...(signal ? { signal } : {}),
      });
      const early = malformed(`word that "${key}" was stored, before it had read all of it`);
      sender.stop(early);
      if (!(await pumped)) throw bodyError?.error ?? early;
      if (info.key !== key || info.size !== sent) {
        throw new VaultraError(
          "store.incomplete",
          `${this.displayName} answered with ${info.size} bytes of "${info.key}", but ${sent} of "${key}" were sent`,
          { hint: "Check the store, then try again." },
        );
      }
      return info;
    } catch (error) {
      sender.stop(error as VaultraError);
      await pumped;
      throw bodyError?.error ?? error;
    } finally {
      rpc.forget(channel);
    }
  }

  /** @inheritdoc */
  remove(key: string, options: { readonly ifMatch?: string } = {}): Promise<void> {
    return this.#guest.call("remove", [key, options], done);
  }

  /** @inheritdoc */
  unfinished(): AsyncIterable<Upload> {
    return this.#guest.iterate("unfinished", [], upload);
  }

  /** @inheritdoc */
  discard(each: Upload): Promise<void> {
    return this.#guest.call("discard", [each], done);
  }

  /** @inheritdoc */
  checks(): AsyncIterable<Check> {
    return this.#guest.iterate("checks", [], checkShape);
  }

  /** Closes the service and ends its Worker. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#guest[Symbol.asyncDispose]();
  }
}
