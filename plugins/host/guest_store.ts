/**
 * A store's half of the Worker: answers the host's calls with the plugin's store.
 *
 * @module
 */
import { toVaultraError } from "../../core/errors.ts";
import type { ByteRange, ObjectStore, PutOptions, Upload } from "../../core/store.ts";
import type { Handles } from "./handles.ts";
import type { Handler, Rpc } from "./rpc.ts";

/** What the host is told of an opened service, and how its calls are answered. */
export interface GuestService {
  readonly opened: unknown;
  readonly answers: Readonly<Record<string, Handler>>;
}

/** How a store's calls are answered. */
export function storeHandlers(store: ObjectStore, rpc: Rpc, handles: Handles): GuestService {
  return {
    opened: {
      displayName: store.displayName,
      capabilities: { ...store.capabilities },
    },
    answers: {
      stat: ([key]) => store.stat(key as string),
      list: ([prefix]) => handles.iterate(store.list(prefix as string)),
      remove: ([key, options]) => store.remove(key as string, options as { readonly ifMatch?: string }),
      unfinished: () => handles.iterate(store.unfinished()),
      discard: ([upload]) => store.discard(upload as Upload),
      checks: () => handles.iterate(store.checks()),
      get: ([channel, key, range], signal) =>
        get(store, rpc, channel as number, key as string, range as ByteRange | undefined, signal),
      put: ([channel, key, options], signal) =>
        put(store, rpc, channel as number, key as string, { ...options as PutOptions, signal }),
    },
  };
}

/** Answers as soon as the object is found; its bytes follow on the channel. */
async function get(
  store: ObjectStore,
  rpc: Rpc,
  channel: number,
  key: string,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<void> {
  const sender = rpc.sender(channel);
  try {
    const stream = await store.get(key, range, AbortSignal.any([signal, sender.stopped]));
    // A failure reaches the host on the channel.
    sender.sendAll(stream).catch(() => {}).finally(() => rpc.forget(channel));
  } catch (thrown) {
    sender.fail(thrown);
    rpc.forget(channel);
    throw thrown;
  }
}

async function put(store: ObjectStore, rpc: Rpc, channel: number, key: string, options: PutOptions) {
  const receiver = rpc.receiver(channel);
  try {
    const { size, modified, etag, ...info } = await store.put(key, receiver.bytes(), options);
    return { key: info.key, size, modified, etag };
  } catch (thrown) {
    receiver.stop(toVaultraError(thrown));
    throw thrown;
  }
}
