import type { Bytes } from "../../core/streams/bytes.ts";
import { type SqlValue, TEXT } from "./table_rows.ts";

/** A value as node:sqlite gives it when text is read as text. */
export type PlainValue = SqlValue | string;

/** What a value's first byte tells: its storage class. */
const [NULL_TAG, INTEGER_TAG, REAL_TAG, TEXT_TAG, BLOB_TAG] = [0, 1, 2, 3, 4];

/** Bytes that every row takes: its length. */
const ROW_HEAD = 4;

/** The most bytes that a value takes besides those of a text or blob. */
const VALUE_HEAD = 9;

/** The most bytes that some rows take besides their texts and blobs. */
export function headBytes(rows: number, columns: number): number {
  return rows * (ROW_HEAD + columns * VALUE_HEAD);
}

/** Longer strings are encoded by the runtime: below, a loop costs less than the call. */
const SHORT_TEXT = 64;

/** What stands for bytes that are no text, once a string was made of them. */
const REPLACEMENT = "\ufffd";

const encoder = new TextEncoder();

/**
 * Writes rows into a block of memory in the canonical form that proofs are made of (README.md, "Proof of tables").
 */
export class RowBlock {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;
  #content = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The rows that were written. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** How many bytes of texts and blobs were written. */
  get content(): number {
    return this.#content;
  }

  /** How many bytes it can hold. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Empties the block. */
  clear(): void {
    this.#at = this.#content = 0;
  }

  /**
   * Writes a row.
   * @param classes The values' storage classes, a letter each, where text comes as bytes.
   * @returns Whether it was written: else it does not fit, or a string is not what is stored.
   */
  write(values: readonly PlainValue[], classes = ""): boolean {
    const start = this.#at;
    const content = this.#content;
    if (start + ROW_HEAD + values.length * VALUE_HEAD > this.#bytes.length) return false;
    this.#at += ROW_HEAD;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (this.#at + VALUE_HEAD > this.#bytes.length) return this.#back(start, content);
      if (typeof value === "bigint") {
        this.#bytes[this.#at] = INTEGER_TAG;
        this.#view.setBigInt64(this.#at + 1, value, true);
        this.#at += VALUE_HEAD;
      } else if (typeof value === "number") {
        this.#bytes[this.#at] = REAL_TAG;
        this.#view.setFloat64(this.#at + 1, value, true);
        this.#at += VALUE_HEAD;
      } else if (value === null) {
        this.#bytes[this.#at++] = NULL_TAG;
      } else if (!this.#writeContent(value, classes[index] === TEXT)) {
        return this.#back(start, content);
      }
    }
    this.#view.setUint32(start, this.#at - start, true);
    return true;
  }

  #back(start: number, content: number): false {
    this.#at = start;
    this.#content = content;
    return false;
  }

  #writeContent(value: string | Uint8Array, isText: boolean): boolean {
    const head = this.#at;
    const from = head + 5;
    let length: number;
    if (typeof value === "string") {
      const written = this.#writeText(value, from);
      if (written === undefined) return false;
      length = written;
    } else {
      length = value.length;
      if (from + length > this.#bytes.length) return false;
      this.#bytes.set(value, from);
    }
    this.#bytes[head] = isText || typeof value === "string" ? TEXT_TAG : BLOB_TAG;
    this.#view.setUint32(head + 1, length, true);
    this.#at = from + length;
    this.#content += length;
    return true;
  }

  /** @returns The bytes that were written; nothing when they are not those that are stored, or don't fit. */
  #writeText(text: string, at: number): number | undefined {
    const { length } = text;
    if (at + length > this.#bytes.length) return undefined;
    if (length < SHORT_TEXT) {
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        this.#bytes[at + index] = code;
      }
      if (index === length) return length;
    }
    if (text.includes(REPLACEMENT)) return undefined;
    const { read, written } = encoder.encodeInto(text, this.#bytes.subarray(at));
    return read === length ? written : undefined;
  }
}
