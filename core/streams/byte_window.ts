import type { Bytes, ByteStream } from "./bytes.ts";

/**
 * A stream seen through a window that moves forward: for readers that must look ahead and may have to look again. Holds
 * what was asked for and not dropped, and a block more.
 */
export class ByteWindow {
  readonly #blocks: AsyncIterator<Bytes>;
  #buffer: Bytes = new Uint8Array(0);
  #from = 0;
  #to = 0;
  #position = 0;

  constructor(stream: ByteStream) {
    this.#blocks = stream[Symbol.asyncIterator]();
  }

  /** Where in the stream the window begins. */
  get position(): number {
    return this.#position;
  }

  /** The bytes in the window, up to the next call of {@linkcode ByteWindow.fill}. */
  get bytes(): Bytes {
    return this.#buffer.subarray(this.#from, this.#to);
  }

  /** Reads on until the window holds `length` bytes. @returns Whether it does: not so when the stream ends before. */
  async fill(length: number): Promise<boolean> {
    while (this.#to - this.#from < length) {
      const next = await this.#blocks.next();
      if (next.done) return false;
      this.#append(next.value);
    }
    return true;
  }

  /** Moves the window on by `length` bytes, which it holds. */
  drop(length: number): void {
    this.#from += length;
    this.#position += length;
  }

  /** The window's bytes, and then the rest of the stream as it comes. The window is done with. */
  async *rest(): AsyncGenerator<Bytes, void> {
    try {
      if (this.#to > this.#from) yield this.bytes;
      for (let next; !(next = await this.#blocks.next()).done;) yield next.value;
    } finally {
      await this.close();
    }
  }

  /** Lets the stream go. */
  async close(): Promise<void> {
    await this.#blocks.return?.();
  }

  #append(block: Bytes): void {
    const held = this.#to - this.#from;
    const needed = held + block.length;
    if (this.#to + block.length > this.#buffer.length) {
      if (needed * 2 <= this.#buffer.length) this.#buffer.copyWithin(0, this.#from, this.#to);
      else {
        const grown = new Uint8Array(needed * 2);
        grown.set(this.bytes);
        this.#buffer = grown;
      }
      this.#from = 0;
      this.#to = held;
    }
    this.#buffer.set(block, this.#to);
    this.#to += block.length;
  }
}
