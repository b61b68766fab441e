/**
 * Adds up the entries of an archive in their order: what the manifest says of each object, and the rules that
 * an order must keep. The writer takes the manifest's figures from it, each reader holds the manifest against it.
 *
 * @module
 */
import type { Section } from "../database.ts";
import { sections } from "./entry_path.ts";
import type { Manifest, ManifestObject } from "./format.ts";
import { damagedIndex } from "./index_line.ts";
import { quoteName } from "./quote_name.ts";

/** What the ledger must know of an entry. */
export interface LedgerEntry {
  readonly path: string;
  readonly section: Section;
  readonly object?: number;
  readonly part?: number;
  readonly raw: number;
  readonly rows: number;
  readonly continues?: true;
}

/** The figures of one object. */
export interface ObjectTally {
  /** Of its entries in `data`. */
  parts: number;
  raw: number;
  rows: number;
  /** Of its entries in `pages`. */
  pageParts: number;
  /** The first and the last line of the index that belong to it. */
  first: number;
  last: number;
  /** Its last entry in `data` and in `pages` ended in the middle of a row. */
  continues: boolean;
  pagesContinue: boolean;
}

/** The sums over the entries seen so far. */
export class Ledger {
  /** Lines of the index so far. */
  entries: number;
  /** Bytes of content so far. */
  raw = 0;
  readonly objects = new Map<number, ObjectTally>();
  readonly #files = new Set<string>();
  #section = 0;

  /** @param first The number of the first line that is added. */
  constructor(first = 0) {
    this.entries = first;
  }

  /** Passes over a line. */
  skip(): void {
    this.entries++;
  }

  /**
   * Takes the next entry.
   * @throws {VaultraError} `damaged.index` when its section, its part or its name is out of order
   */
  add(entry: LedgerEntry): void {
    const section = sections.indexOf(entry.section);
    if (section < this.#section) {
      throw damagedIndex(`The entry ${quoteName(entry.path)} stands after a later section`);
    }
    this.#section = section;
    if (entry.object === undefined) {
      // Unpacked on a file system that ignores case, both would be one file.
      const name = entry.path.toLowerCase();
      if (this.#files.has(name)) throw damagedIndex(`The entry ${quoteName(entry.path)} stands twice`);
      this.#files.add(name);
    } else this.#addPart(entry, entry.object);
    this.entries++;
    this.raw += entry.raw;
  }

  #addPart(entry: LedgerEntry, object: number): void {
    const tally = this.#tally(object);
    const isData = entry.section === "data";
    if (entry.part !== (isData ? tally.parts : tally.pageParts)) {
      throw damagedIndex(`Part ${entry.part} of object ${object} in ${entry.section} is out of order`);
    }
    if (isData) {
      tally.parts++;
      tally.raw += entry.raw;
      tally.rows += entry.rows;
      tally.continues = entry.continues === true;
    } else {
      tally.pageParts++;
      tally.pagesContinue = entry.continues === true;
    }
    tally.last = this.entries;
  }

  #tally(object: number): ObjectTally {
    let tally = this.objects.get(object);
    if (tally === undefined) {
      const first = this.entries;
      tally = {
        parts: 0,
        raw: 0,
        rows: 0,
        pageParts: 0,
        first,
        last: first,
        continues: false,
        pagesContinue: false,
      };
      this.objects.set(object, tally);
    }
    return tally;
  }

  /**
   * Compares everything that was seen with the manifest.
   * @throws {VaultraError} `damaged.index` naming the object that disagrees
   */
  check(manifest: Manifest): void {
    const { totals, objects } = manifest;
    if (totals.entries !== this.entries || totals.raw !== this.raw) {
      throw damagedIndex("The manifest's totals are not those of the archive's entries");
    }
    let known = 0;
    for (const object of objects) {
      if (object.object === undefined) continue;
      const tally = this.objects.get(object.object);
      if (tally !== undefined) known++;
      checkObject(object, tally);
    }
    if (known !== this.objects.size) {
      throw damagedIndex("The archive holds parts of an object that its manifest does not name");
    }
  }
}

/**
 * Compares one object's line in the manifest with its entries.
 * @throws {VaultraError} `damaged.index`
 */
export function checkObject(object: ManifestObject, tally: ObjectTally | undefined): void {
  const [first, last] = object.index ?? [-1, -1];
  const agrees = (object.parts ?? 0) === (tally?.parts ?? 0) && (object.raw ?? 0) === (tally?.raw ?? 0) &&
    first === (tally?.first ?? -1) && last === (tally?.last ?? -1);
  if (!agrees) {
    throw damagedIndex(`The manifest's figures of ${quoteName(object.name)} are not those of its parts`);
  }
  if (tally === undefined) return;
  if (tally.continues || tally.pagesContinue) {
    throw damagedIndex(`The last row of ${quoteName(object.name)} is not whole`);
  }
  // Pages are not cut at rows, so that their entries count none.
  if (tally.rows !== 0 && object.rows !== undefined && object.rows !== tally.rows) {
    throw damagedIndex(
      `The manifest counts ${object.rows} rows of ${quoteName(object.name)}, its parts ${tally.rows}`,
    );
  }
}
