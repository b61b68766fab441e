import type { Check } from "../../core/events.ts";
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions, Upload } from "../../core/store.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";

/** A store that hands every call on: what fakes change, they override. */
export class StoreDecorator implements ObjectStore {
  constructor(protected readonly inner: ObjectStore) {}

  get capabilities(): ObjectStore["capabilities"] {
    return this.inner.capabilities;
  }
  get displayName(): string {
    return this.inner.displayName;
  }
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ByteStream> {
    return this.inner.get(key, range, signal);
  }
  stat(key: string): Promise<ObjectInfo | null> {
    return this.inner.stat(key);
  }
  list(prefix: string): AsyncIterable<ObjectInfo> {
    return this.inner.list(prefix);
  }
  put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo> {
    return this.inner.put(key, body, options);
  }
  remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
    return this.inner.remove(key, options);
  }
  unfinished(): AsyncIterable<Upload> {
    return this.inner.unfinished();
  }
  discard(upload: Upload): Promise<void> {
    return this.inner.discard(upload);
  }
  checks(): AsyncIterable<Check> {
    return this.inner.checks();
  }
  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }
}
