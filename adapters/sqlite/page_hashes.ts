import { Buffer } from "node:buffer";
import crypto from "node:crypto";
import type { Bytes } from "../../core/streams/bytes.ts";

/** Bytes of a page's hash: the first half of its SHA-256. */
export const PAGE_HASH_BYTES = 16;

/**
 * The hashes of the pages of a database, in order: the first 16 bytes of each page's SHA-256. The SHA-256 over
 * the list proves the whole file; the list itself tells an incremental backup which pages changed.
 */
export class PageHashes {
  readonly #pageSize: number;
  readonly #list: Bytes | undefined;
  readonly #digest = crypto.createHash("sha256");
  #filled = 0;

  /** @param keep Whether the list is kept, for `pageCount` pages; else only its hash is. */
  constructor(pageSize: number, keep?: { readonly pageCount: number }) {
    this.#pageSize = pageSize;
    if (keep) this.#list = new Uint8Array(keep.pageCount * PAGE_HASH_BYTES);
  }

  /** Adds whole pages and returns their hashes. */
  add(pages: Uint8Array): Uint8Array {
    let hex = "";
    for (let at = 0; at < pages.length; at += this.#pageSize) {
      hex += crypto.hash("sha256", pages.subarray(at, at + this.#pageSize), "hex").slice(
        0,
        2 * PAGE_HASH_BYTES,
      );
    }
    const hashes = Buffer.from(hex, "hex");
    this.#digest.update(hashes);
    this.#list?.set(hashes, this.#filled);
    this.#filled += hashes.length;
    return hashes;
  }

  /** The list, when it was kept. */
  get list(): Bytes | undefined {
    return this.#list;
  }

  /** The proof of all pages, as the manifest writes it. Ends the list. */
  proof(): string {
    return `sha256-pages:${this.#digest.digest("hex")}`;
  }
}
