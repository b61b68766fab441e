import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from "../../core/store.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import { StoreDecorator } from "./store_decorator.ts";

/** When and how a store fails. */
export interface Fault {
  readonly method: "get" | "stat" | "list" | "put" | "remove";
  /** Which call of the method fails, counted from 1 among those that `key` selects; absent: every one. */
  readonly call?: number;
  /** Only calls for keys that contain this. */
  readonly key?: string;
  readonly error: Error;
  /** `get` and `put`: fail after this many bytes of the body went by; absent: before the first. */
  readonly afterBytes?: number;
  /** `put` and `remove`: the change is made, only its answer is lost. */
  readonly answerLost?: boolean;
}

/** A store whose failures are scripted. */
export class FaultyStore extends StoreDecorator {
  readonly #faults: readonly Fault[];
  readonly #calls = new Map<Fault, number>();

  constructor(inner: ObjectStore, faults: readonly Fault[]) {
    super(inner);
    this.#faults = faults;
  }

  #due(method: Fault["method"], key: string): Fault | undefined {
    let due: Fault | undefined;
    for (const fault of this.#faults) {
      if (fault.method !== method || !key.includes(fault.key ?? "")) continue;
      const call = (this.#calls.get(fault) ?? 0) + 1;
      this.#calls.set(fault, call);
      if (fault.call === undefined || fault.call === call) due ??= fault;
    }
    return due;
  }

  override async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ByteStream> {
    const fault = this.#due("get", key);
    if (fault && fault.afterBytes === undefined) throw fault.error;
    const stream = await super.get(key, range, signal);
    return fault ? breaking(stream, fault) : stream;
  }

  override async stat(key: string): Promise<ObjectInfo | null> {
    const fault = this.#due("stat", key);
    if (fault) throw fault.error;
    return await super.stat(key);
  }

  override async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const fault = this.#due("list", prefix);
    if (fault) throw fault.error;
    yield* super.list(prefix);
  }

  override async put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo> {
    const fault = this.#due("put", key);
    if (!fault) return await super.put(key, body, options);
    if (fault.answerLost) await super.put(key, body, options);
    else if (fault.afterBytes !== undefined) await super.put(key, breaking(body, fault), options);
    throw fault.error;
  }

  override async remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
    const fault = this.#due("remove", key);
    if (!fault) return await super.remove(key, options);
    if (fault.answerLost) await super.remove(key, options);
    throw fault.error;
  }
}

/** The stream's first bytes, then the fault's error. */
async function* breaking(stream: ByteStream, { afterBytes = 0, error }: Fault): AsyncGenerator<Bytes> {
  let left = afterBytes;
  for await (const block of stream) {
    if (block.length >= left) {
      if (left > 0) yield block.slice(0, left);
      throw error;
    }
    left -= block.length;
    yield block;
  }
  throw error;
}
