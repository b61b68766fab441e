import type { OpenedFileKey } from "../age/header.ts";
import { VaultraError } from "../errors.ts";
import type { ObjectReader } from "../store.ts";
import { fill } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";

/** An archive that can be read by ranges. */
export interface RangeSource {
  /** Bytes of the whole archive. */
  readonly size: number;
  /**
   * Exactly `length` bytes, in a buffer of their own.
   * @throws {VaultraError} `damaged.short-object` when there are fewer
   */
  read(offset: number, length: number): Promise<Bytes>;
  /** The bytes from `offset`: `length` of them, or all to the end. */
  stream(offset: number, length?: number): ByteStream;
}

/** An archive as its readers see it: decrypted, if it is encrypted. */
export interface PlainSource extends RangeSource {
  /**
   * All bytes in order.
   * @param onStored Sees the bytes as they are stored, from the first to the last.
   */
  whole(onStored: (block: Bytes) => void): ByteStream;
  /** What opened it, if it is encrypted. Secret. */
  readonly opened?: OpenedFileKey;
}

/** An object of a store as a {@linkcode RangeSource}. */
export function storeSource(
  store: ObjectReader,
  key: string,
  size: number,
  signal?: AbortSignal,
): RangeSource {
  async function* stream(offset: number, length = size - offset): AsyncGenerator<Bytes> {
    if (length > 0) yield* await store.get(key, { offset, length }, signal);
  }
  return {
    size,
    stream,
    async read(offset, length) {
      const whole = new Uint8Array(length);
      const given = await fill(whole, stream(offset, length));
      if (given !== length) {
        throw new VaultraError(
          "damaged.short-object",
          `The store gave ${given} of ${length} bytes of "${key}"`,
          {
            hint: "Try again; if it happens again, verify the backup.",
          },
        );
      }
      return whole;
    },
  };
}
