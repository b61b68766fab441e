import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { tapped } from "../streams/tapped.ts";
import type { RangeSource } from "./range_source.ts";

/** A source that counts the bytes that were read from it. */
export class CountedSource implements RangeSource {
  readonly #source: RangeSource;
  /** Bytes read so far. */
  bytesRead = 0;

  constructor(source: RangeSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#source.size;
  }

  async read(offset: number, length: number): Promise<Bytes> {
    const block = await this.#source.read(offset, length);
    this.bytesRead += block.length;
    return block;
  }

  stream(offset: number, length?: number): ByteStream {
    return tapped(this.#source.stream(offset, length), (block) => {
      this.bytesRead += block.length;
    });
  }
}
