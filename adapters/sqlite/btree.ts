import { VaultraError } from "../../core/errors.ts";

/** What a page is read as: a page of a tree, or one that carries on a long row. */
export type PageRole = "tree" | "overflow";

/** The kinds of tree pages: https://sqlite.org/fileformat2.html#b_tree_pages. */
const INDEX_INTERIOR = 2;
const TABLE_INTERIOR = 5;
const INDEX_LEAF = 10;
const TABLE_LEAF = 13;

/**
 * Tells every page that a page refers to: the children of a tree page and the overflow pages of its rows.
 *
 * @param page The page's bytes.
 * @param number The page's number, from 1; the first page begins with the database header.
 * @param usable Bytes of a page without the reserved ones.
 * @throws {VaultraError} `damaged.pages` when the page is no such page.
 */
export function references(
  page: Uint8Array,
  number: number,
  usable: number,
  role: PageRole,
  found: (page: number, role: PageRole) => void,
): void {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  if (role === "overflow") {
    const next = view.getUint32(0);
    if (next !== 0) found(next, "overflow");
    return;
  }
  const start = number === 1 ? 100 : 0;
  const type = view.getUint8(start);
  if (type !== INDEX_INTERIOR && type !== TABLE_INTERIOR && type !== INDEX_LEAF && type !== TABLE_LEAF) {
    throw damagedPage(number);
  }
  const interior = type === INDEX_INTERIOR || type === TABLE_INTERIOR;
  const cells = view.getUint16(start + 3);
  const pointers = start + (interior ? 12 : 8);
  if (pointers + 2 * cells > usable) throw damagedPage(number);
  for (let index = 0; index < cells; index++) {
    let at = view.getUint16(pointers + 2 * index);
    if (at < pointers || at + 4 > usable) throw damagedPage(number);
    if (interior) {
      found(view.getUint32(at), "tree");
      at += 4;
    }
    if (type !== TABLE_INTERIOR) {
      const overflow = overflowOf(page, at, usable, type === TABLE_LEAF);
      if (overflow === undefined) continue;
      if (overflow + 4 > usable) throw damagedPage(number);
      found(view.getUint32(overflow), "overflow");
    }
  }
  if (interior) found(view.getUint32(start + 8), "tree");
}

/** A page that cannot be what another page says it is. */
export function damagedPage(number: number): VaultraError {
  return new VaultraError("damaged.pages", `Page ${number} of the database in the archive is damaged`, {
    hint: "The database was already corrupt when it was backed up; try an older backup.",
  });
}

/** Where in its page a cell names its first overflow page; nothing when the whole row is in the page. */
function overflowOf(page: Uint8Array, cell: number, usable: number, tableLeaf: boolean): number | undefined {
  let [payload, at] = varint(page, cell);
  if (tableLeaf) [, at] = varint(page, at);
  const most = tableLeaf ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (payload <= most) return undefined;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((payload - least) % (usable - 4));
  return at + (wanted <= most ? wanted : least);
}

/** Reads SQLite's variable-length integer: its value, inexact beyond 2^53, and where the next byte stands. */
function varint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index] ?? 0;
    value = value * 128 + (byte & 127);
    if (byte < 128) return [value, at + index + 1];
  }
  return [value * 256 + (bytes[at + 8] ?? 0), at + 9];
}
