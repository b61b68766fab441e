import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from "../../core/store.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import { StoreDecorator } from "./store_decorator.ts";

/** A store that waits before every block of a body, so that a test can act in the middle of one. */
export class SlowStore extends StoreDecorator {
  readonly #wait: () => Promise<void>;

  /** @param wait Called before each block; the block moves on when it resolves. */
  constructor(inner: ObjectStore, wait: () => Promise<void>) {
    super(inner);
    this.#wait = wait;
  }

  override async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ByteStream> {
    return this.#slowed(await super.get(key, range, signal));
  }

  override put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo> {
    return super.put(key, this.#slowed(body), options);
  }

  async *#slowed(stream: ByteStream): AsyncGenerator<Bytes> {
    for await (const block of stream) {
      await this.#wait();
      yield block;
    }
  }
}
