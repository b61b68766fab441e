/**
 * The proof of an object's content: the sum of its rows' hashes, as docs/archive-format.md ("Proof") defines it.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { rowSumWasm } from "./row_sum_wasm.ts";

/**
 * How rows follow each other in a stream of bytes. `lines`: each row ends with a line feed, which is its last byte and
 * stands nowhere else in it. `sized`: each row begins with its length, four bytes, little-endian, which counts itself.
 * All bytes of a row are hashed.
 */
export type RowFraming = "lines" | "sized";

/** Rows, and the sum of their hashes: equal for equal rows in any order, doubles counted. */
export interface RowTotal {
  readonly rows: number;
  /** Below 2^128. */
  readonly sum: bigint;
}

/** What a {@linkcode RowSum} may be told. */
export interface RowSumOptions {
  /** Whose rows they are, as an error names them, such as `table "orders"`; default: `the object`. */
  readonly of?: string;
  /** The most bytes that a row may have, at most 2^32 − 1; default 2 GiB − 1. */
  readonly longest?: number;
}

/** What the module exports: see row_sum.as. */
interface Machine {
  readonly memory: Uint8Array;
  readonly lines: (length: number, longest: number) => number;
  readonly sized: (length: number, longest: number) => number;
}

/** Where things stand in the module's memory, as row_sum.as says. */
const [ROWS, HASHED, REMAINING, KEPT, PIECE] = [16, 40, 48, 56, 80];

/** Bytes that are hashed at once: they stay in the processor's cache between the copy and the hash. */
const PIECE_BYTES = 64 << 10;

/** One for all sums of a thread: an instance takes gigabytes of address space. */
let shared: Machine | undefined;

/**
 * Counts the rows in a stream of bytes and sums their hashes. It guards against accidents: who wants to deceive finds
 * other rows with the same sum.
 */
export class RowSum {
  readonly #machine = shared ??= loadMachine();
  readonly #framing: RowFraming;
  readonly #of: string;
  readonly #longest: number;
  readonly #state = new Uint8Array(PIECE);

  constructor(framing: RowFraming, { of = "the object", longest = 2 ** 31 - 1 }: RowSumOptions = {}) {
    this.#framing = framing;
    this.#of = of;
    this.#longest = longest;
  }

  /**
   * Takes the next bytes, which may begin and end anywhere in a row. They are not kept.
   * @throws {VaultraError} `damaged.rows` when a row's length can't be true; nothing may be pushed after that.
   */
  push(bytes: Uint8Array): void {
    const { memory, [this.#framing]: hash } = this.#machine;
    memory.set(this.#state);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      memory.set(piece, PIECE);
      const failure = hash(piece.length, this.#longest);
      if (failure === 0) continue;
      const row = `Row ${number(memory, ROWS) + 1} of ${this.#of}`;
      throw damaged(failure === 1 ? `${row} tells of less than its own length` : `${row} is too long`);
    }
    this.#state.set(memory.subarray(0, PIECE));
  }

  /**
   * The rows that were pushed.
   * @throws {VaultraError} `damaged.rows` when the last one is not whole
   */
  finish(): RowTotal {
    const state = this.#state;
    const rows = number(state, ROWS);
    if (state[KEPT] !== 0 || number(state, HASHED) > 0 || number(state, REMAINING) > 0) {
      throw damaged(`Row ${rows + 1} of ${this.#of} has no end`);
    }
    const view = new DataView(state.buffer);
    return { rows, sum: view.getBigUint64(0, true) + (view.getBigUint64(8, true) << 64n) };
  }
}

/** The rows of several streams together, such as those of parallel connections. */
export function joinTotals(totals: Iterable<RowTotal>): RowTotal {
  let [rows, sum] = [0, 0n];
  for (const total of totals) {
    rows += total.rows;
    sum += total.sum;
  }
  return { rows, sum: BigInt.asUintN(128, sum) };
}

/** The rows that came to others: what a table gained while rows were added to it. */
export function totalBeyond(after: RowTotal, before: RowTotal): RowTotal {
  return { rows: after.rows - before.rows, sum: BigInt.asUintN(128, after.sum - before.sum) };
}

/** A sum as the manifest writes it. */
export function rowSumProof({ sum }: RowTotal): string {
  return `murmur3-sum:${sum.toString(16).padStart(32, "0")}`;
}

/** Instantiated at once: a module of this size takes less than a millisecond. */
function loadMachine(): Machine {
  const module = new WebAssembly.Module(Uint8Array.fromBase64(rowSumWasm));
  const { memory, pushLines, pushSized } = new WebAssembly.Instance(module).exports as {
    memory: WebAssembly.Memory;
    pushLines: Machine["lines"];
    pushSized: Machine["sized"];
  };
  return { memory: new Uint8Array(memory.buffer), lines: pushLines, sized: pushSized };
}

function number(bytes: Uint8Array, at: number): number {
  return Number(new DataView(bytes.buffer).getBigUint64(at, true));
}

function damaged(message: string): VaultraError {
  return new VaultraError("damaged.rows", message, {
    hint:
      "What should be rows is none: it was cut or damaged, or whoever sent it failed. Try again, or use another backup.",
  });
}
