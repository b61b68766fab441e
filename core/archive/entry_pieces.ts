import { createHash, type Hash } from "node:crypto";
import type { Bytes } from "../streams/bytes.ts";
import { sha256Of } from "./archive_entry.ts";
import { GROUP_BYTES, PIECE_BYTES } from "./limits.ts";
import type { OrderedOutput, PendingFrame } from "./ordered_output.ts";
import { paddingOf } from "./tar.ts";

/** Some of an entry's bytes, from `from` to `to` of a buffer. */
interface Piece {
  readonly buffer: Bytes;
  from: number;
  to: number;
}

/** A complete entry: one small one for a shared frame, or the frames of a larger one. */
export type CompleteEntry =
  | { readonly small: Bytes; readonly buffer: Bytes }
  | { readonly frames: readonly PendingFrame[] };

/**
 * Gathers the bytes of one entry in pieces and has them compressed while it goes on. The first piece waits for
 * the entry's end, because the header before it needs the entry's hash; it is written into room kept free before it.
 */
export class EntryPieces {
  readonly #output: OrderedOutput;
  readonly #first: Piece;
  readonly #frames: PendingFrame[] = [];
  /** A full piece that may take the rest of a short last one; may be the first. */
  #full: Piece | undefined;
  #last: Piece;
  /** Of the content before the last piece; absent while that is all. */
  #hash: Hash | undefined;

  /** @param room The most bytes that the header can have, less than 1 MiB. */
  constructor(output: OrderedOutput, room: number) {
    this.#output = output;
    this.#first = { buffer: output.buffer(), from: room, to: room };
    this.#last = this.#first;
  }

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#last.to === PIECE_BYTES) this.#next();
      const taken = Math.min(PIECE_BYTES - this.#last.to, bytes.length - at);
      this.#last.buffer.set(
        at === 0 && taken === bytes.length ? bytes : bytes.subarray(at, at + taken),
        this.#last.to,
      );
      this.#last.to += taken;
      at += taken;
    }
  }

  /** The SHA-256 of all that was appended, once, before {@linkcode EntryPieces.complete}. */
  sha256(): string {
    const last = bytesOf(this.#last);
    return this.#hash === undefined ? sha256Of([last]) : this.#hash.update(last).digest("hex");
  }

  #next(): void {
    this.#hash ??= createHash("sha256");
    this.#hash.update(bytesOf(this.#last));
    const full = this.#full;
    if (full !== undefined && full !== this.#first) this.#frames.push(this.#compress(full));
    this.#full = this.#last;
    this.#last = { buffer: this.#output.buffer(), from: 0, to: 0 };
  }

  /**
   * Ends the entry. The object is done with.
   * @param size Bytes that were appended.
   * @param end Zeros after the padding, as the archive's last entry has them.
   */
  complete(header: Uint8Array, size: number, end = 0): CompleteEntry {
    this.#first.from -= header.length;
    this.#first.buffer.set(header, this.#first.from);
    const zeros = paddingOf(size) + end;
    const full = this.#full;
    const isShort = this.#last.to - this.#last.from + zeros < GROUP_BYTES;
    if (full !== undefined && isShort) {
      full.buffer.set(this.#last.buffer.subarray(0, this.#last.to), full.to);
      full.to += this.#last.to;
      this.#output.recycle(this.#last.buffer);
      this.#last = full;
      this.#full = undefined;
    }
    this.#last.buffer.fill(0, this.#last.to, this.#last.to + zeros);
    this.#last.to += zeros;
    if (this.#last === this.#first) {
      const { buffer, from, to } = this.#first;
      if (to - from <= GROUP_BYTES) return { small: bytesOf(this.#first), buffer };
      return { frames: [this.#compress(this.#first)] };
    }
    const first = this.#compress(this.#first);
    const rest = [this.#full, this.#last].filter((piece) => piece !== undefined && piece !== this.#first);
    return { frames: [first, ...this.#frames, ...rest.map((piece) => this.#compress(piece!))] };
  }

  #compress(piece: Piece): PendingFrame {
    return this.#output.compress(bytesOf(piece));
  }
}

function bytesOf({ buffer, from, to }: Piece): Bytes {
  return buffer.subarray(from, to);
}
