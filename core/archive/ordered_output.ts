import { createHash } from "node:crypto";
import { toVaultraError, VaultraError } from "../errors.ts";
import { freeBlock } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { codecNamed } from "./codecs.ts";
import type { FrameCodec } from "./codec.ts";
import type { Compression } from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import { FrameTable } from "./frame_table.ts";
import { PIECE_BUFFER_BYTES } from "./limits.ts";

/** A frame on its way through the pool. */
export interface PendingFrame {
  readonly raw: number;
  /** Absent until it is compressed. */
  bytes?: Bytes;
}

/** Frames that stand together in the archive; told where once they have left. */
interface Unit {
  readonly frames: readonly PendingFrame[];
  readonly placed: (offset: number, stored: number) => void;
}

/** How frames are made. */
export interface OrderedOutputOptions {
  readonly compression: Compression;
  readonly level: number;
  readonly pool: FramePool;
  readonly signal: AbortSignal;
  /** Makes what is stored of the bytes in order, such as by encrypting them; default: nothing else. */
  readonly seal?: (plain: ByteStream) => ByteStream;
}

/**
 * Lets frames be compressed side by side and leave in order. Producers start frames, place them and then wait
 * for {@linkcode OrderedOutput.room}; one consumer iterates {@linkcode OrderedOutput.stream}. Whichever side fails,
 * the other fails with the same error.
 */
export class OrderedOutput {
  readonly #codec: FrameCodec;
  readonly #level: number;
  readonly #pool: FramePool;
  readonly #signal: AbortSignal;
  readonly #table = new FrameTable();
  readonly #hash = createHash("sha256");
  readonly #units: Unit[] = [];
  readonly #free: Bytes[] = [];
  #waiting: (() => void)[] = [];
  #failure: VaultraError | undefined;
  /** Frames in the pool, and frames that are placed and have not left. */
  #compressing = 0;
  #queued = 0;
  /** Bytes before sealing, and after it. */
  #position = 0;
  #size = 0;
  #trailer: ((table: FrameTable) => Iterable<Bytes>) | undefined;
  #sha256: string | undefined;
  /** The bytes in order. Each block belongs to whoever took it. Iterable once. */
  readonly stream: ByteStream;

  constructor(options: OrderedOutputOptions) {
    this.#codec = codecNamed(options.compression);
    this.#level = options.level;
    this.#pool = options.pool;
    this.#signal = options.signal;
    const plain = this.#plain();
    this.stream = this.#emit(options.seal?.(plain) ?? plain);
    if (this.#signal.aborted) this.#onAbort();
    else this.#signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Bytes that have left, as they are stored. */
  get size(): number {
    return this.#size;
  }

  /** A buffer of {@linkcode PIECE_BUFFER_BYTES} with old bytes in it. */
  buffer(): Bytes {
    return this.#free.pop() ?? new Uint8Array(PIECE_BUFFER_BYTES);
  }

  /** Gives back a buffer that was got from `buffer()` and not compressed. */
  recycle(buffer: Bytes): void {
    if (this.#free.length < this.#slots) this.#free.push(buffer);
    else freeBlock(buffer);
  }

  /** Starts to make a frame of the piece, whose buffer, got from `buffer()`, is gone after it. */
  compress(piece: Bytes): PendingFrame {
    const frame: PendingFrame = { raw: piece.length };
    if (this.#codec.name === "none") frame.bytes = piece;
    else void this.#run(piece, frame);
    return frame;
  }

  /** Puts frames next in the order, together. */
  place(frames: readonly PendingFrame[], placed: Unit["placed"]): void {
    this.#units.push({ frames, placed });
    this.#queued += frames.length;
    this.#wake();
  }

  /** Waits until producers may go on: few frames are being compressed, few are waiting to leave. */
  room(): Promise<void> {
    return this.#until(() => this.#compressing < this.#slots && this.#queued <= 2 * this.#slots);
  }

  /** Waits until everything that was placed has left. */
  drained(): Promise<void> {
    return this.#until(() => this.#units.length === 0);
  }

  /** Ends the stream with a trailer; resolves when its last byte was taken. */
  async end(
    trailer: (table: FrameTable) => Iterable<Bytes>,
  ): Promise<{ readonly size: number; readonly sha256: string }> {
    this.#trailer = trailer;
    this.#wake();
    await this.#until(() => this.#sha256 !== undefined);
    return { size: this.#size, sha256: this.#sha256! };
  }

  /** Ends both sides with an error; the first one counts. */
  fail(reason: unknown): void {
    if (this.#failure !== undefined || this.#sha256 !== undefined) return;
    this.#failure = toVaultraError(reason);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#units.length = 0;
    this.#free.length = 0;
    this.#wake();
  }

  /** Throws the error that ended the output, if one did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #slots(): number {
    return this.#pool.size + 2;
  }

  readonly #onAbort = (): void => this.fail(toVaultraError(this.#signal.reason, "interrupted"));

  async #run(piece: Bytes, frame: PendingFrame): Promise<void> {
    this.#compressing++;
    try {
      const { frame: bytes, buffers } = await this.#pool.compress(this.#codec, this.#level, [piece]);
      frame.bytes = bytes;
      this.recycle(new Uint8Array(buffers[0]!));
    } catch (error) {
      this.fail(error);
    }
    this.#compressing--;
    this.#wake();
  }

  /** The frames in order. Each one's place is told once the next one is asked for. */
  async *#plain(): AsyncGenerator<Bytes> {
    while (true) {
      await this.#until(() => this.#units.length > 0 || this.#trailer !== undefined);
      const unit = this.#units[0];
      if (unit === undefined) break;
      const offset = this.#position;
      for (const frame of unit.frames) {
        if (frame.bytes === undefined) await this.#until(() => frame.bytes !== undefined);
        const bytes = frame.bytes!;
        delete frame.bytes;
        this.#table.add(bytes.length, frame.raw);
        this.#position += bytes.length;
        yield bytes;
        this.#queued--;
        this.#wake();
      }
      unit.placed(offset, this.#position - offset);
      this.#units.shift();
      this.#wake();
    }
    yield* this.#trailer!(this.#table);
  }

  async *#emit(sealed: ByteStream): AsyncGenerator<Bytes> {
    try {
      for await (const block of sealed) {
        this.#hash.update(block);
        this.#size += block.length;
        yield block;
      }
      this.#sha256 = this.#hash.digest("hex");
      this.#signal.removeEventListener("abort", this.#onAbort);
      this.#wake();
    } catch (error) {
      this.fail(error);
      throw this.#failure ?? error;
    } finally {
      this.fail(new VaultraError("failed.output-closed", "The archive was not taken to its end"));
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    this.check();
    while (!condition()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.check();
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
