import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions, Upload } from "../../core/store.ts";
import { checkKey, compareKeys } from "../../core/store_key.ts";
import { abortable } from "../../core/streams/abortable.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";

/** How large the blocks of {@linkcode MemoryStore.get} are. */
const BLOCK_BYTES = 256 << 10;

/** A whole store in memory. It passes the suite that every store passes. */
export class MemoryStore implements ObjectStore {
  readonly displayName = "memory:";
  readonly capabilities: { conditionalPut: boolean; retention: boolean };
  readonly #objects = new Map<string, { readonly info: ObjectInfo; readonly bytes: Bytes }>();
  readonly #now: () => Date;
  #version = 0;

  /** @param options `now` is the store's clock; without `conditionalPut` conditions are ignored. */
  constructor(options: { readonly now?: () => Date; readonly conditionalPut?: boolean } = {}) {
    this.#now = options.now ?? (() => new Date());
    this.capabilities = { conditionalPut: options.conditionalPut ?? true, retention: false };
  }

  get(key: string, range: ByteRange = { offset: 0 }): Promise<ByteStream> {
    const object = this.#objects.get(checkKey(key));
    if (!object) return Promise.reject(new VaultraError("store.not-found", `There is no "${key}"`));
    const end = range.length === undefined
      ? Math.max(object.bytes.length, range.offset)
      : range.offset + range.length;
    if (end > object.bytes.length) {
      return Promise.reject(new VaultraError("damaged.short-object", `Object "${key}" is too short`));
    }
    return Promise.resolve(blocks(object.bytes.slice(range.offset, end)));
  }

  // deno-lint-ignore require-await -- async turns what is thrown into a rejection, as in every store
  async stat(key: string): Promise<ObjectInfo | null> {
    return this.#objects.get(checkKey(key))?.info ?? null;
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    for (const key of [...this.#objects.keys()].sort(compareKeys)) {
      const object = this.#objects.get(key);
      if (object && key.startsWith(prefix)) yield await Promise.resolve(object.info);
    }
  }

  async put(key: string, body: ByteStream, options: PutOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    const parts: Bytes[] = [];
    const signal = options.signal ?? new AbortController().signal;
    for await (const block of abortable(body, signal)) parts.push(block.slice());
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    // From here on nothing is awaited: the conditions and the change are one step.
    if (this.capabilities.conditionalPut) {
      const found = this.#objects.get(key)?.info;
      if (options.ifAbsent && found) throw new VaultraError("store.exists", `"${key}" exists`);
      if (options.ifMatch !== undefined && found?.etag !== options.ifMatch) throw changed(key);
    }
    const modified = this.#now().toISOString();
    const info = { key, size: bytes.length, modified, etag: `v${++this.#version}` };
    this.#objects.set(key, { info, bytes });
    return info;
  }

  // deno-lint-ignore require-await -- async turns what is thrown into a rejection, as in every store
  async remove(key: string, { ifMatch }: { readonly ifMatch?: string } = {}): Promise<void> {
    const found = this.#objects.get(checkKey(key))?.info;
    if (found && ifMatch !== undefined && found.etag !== ifMatch) throw changed(key);
    this.#objects.delete(key);
  }

  async *unfinished(): AsyncGenerator<Upload> {}

  discard(_upload: Upload): Promise<void> {
    return Promise.resolve();
  }

  async *checks(): AsyncGenerator<Check> {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function* blocks(bytes: Bytes): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    yield await Promise.resolve(bytes.slice(at, at + BLOCK_BYTES));
  }
}

function changed(key: string): VaultraError {
  return new VaultraError("store.changed", `"${key}" was changed`);
}
