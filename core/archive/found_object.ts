/**
 * What was found of one object of an archive that may be damaged, and what is missing of it.
 *
 * @module
 */
import type { ArchiveEntry } from "./archive_entry.ts";
import { partLimit } from "./format.ts";

/** The most entries that are kept in mind, 32 TiB of database: a forged archive may hold any number. */
export const MAX_PARTS = 1 << 21;

/** A whole file or part, and the range of the archive that holds it. */
export interface WholePart extends Omit<ArchiveEntry, "bytes"> {
  readonly offset: number;
  readonly stored: number;
}

/** Numbers of parts that follow each other: the first and the last. */
export type PartRange = readonly [first: number, last: number];

/** The parts of an object in one section. */
export interface PartTally {
  /** Whole parts, their rows and raw bytes. */
  readonly whole: number;
  readonly rows: number;
  readonly raw: number;
  /** How many parts there were; at least so many unless `exact`. */
  readonly parts: number;
  readonly exact: boolean;
  readonly missing: readonly PartRange[];
}

/** One object of a damaged archive. */
export interface SalvagedObject extends PartTally {
  /** Its number. */
  readonly object: number;
  /** Its true name; the label in its parts' paths when nothing else is left. */
  readonly name: string;
  /** Its parts in the section `pages`; absent: it has none. */
  readonly pages?: PartTally;
}

/** What is known of the parts of an object in one section. */
export class Parts {
  readonly whole = new Map<number, WholePart>();
  /** Raw lengths of parts that are not whole, by the index and by headers whose content is not whole. */
  readonly lengths = new Map<number, number>();
  /** The least number of parts that there were, and how many the index lists. */
  least = 0;
  listed = 0;
  exact = false;

  /** There was a part of this number. */
  saw(part: number): void {
    this.least = Math.max(this.least, part + 1);
  }

  /** By the manifest there were so many parts. */
  expect(count: number): void {
    this.exact = count >= this.least;
    this.least = Math.max(this.least, count);
  }

  /** The whole index was read. @returns How many parts are given up, for it does not list them. */
  settle(): number {
    this.least = this.listed;
    this.exact = true;
    const others = [...this.whole.keys()].filter((part) => part >= this.listed);
    for (const part of others) this.whole.delete(part);
    return others.length;
  }

  tally(): PartTally {
    const missing: PartRange[] = [];
    let [next, rows, raw] = [0, 0, 0];
    for (const part of [...this.whole.keys()].sort((a, b) => a - b)) {
      if (part > next) missing.push([next, part - 1]);
      next = part + 1;
      rows += this.whole.get(part)!.rows;
      raw += this.whole.get(part)!.raw;
    }
    if (next < this.least) missing.push([next, this.least - 1]);
    return { whole: this.whole.size, rows, raw, parts: this.least, exact: this.exact, missing };
  }

  /** The raw lengths of the parts from the first one on, as far as each is known. */
  layout(): number[] {
    const usual = this.#usualLength();
    const lengths: number[] = [];
    for (let part = 0, bytes = 0; part < this.least; part++) {
      const isUsual = part < this.least - 1 && partLimit(bytes) === partLimit(0);
      const length = this.whole.get(part)?.raw ?? this.lengths.get(part) ?? (isUsual ? usual : undefined);
      if (length === undefined) break;
      lengths.push(length);
      bytes += length;
    }
    return lengths;
  }

  /** The length of all parts but the last one, when they are alike: a writer fills them until an object is large. */
  #usualLength(): number | undefined {
    const found = new Set<number>();
    for (const { part, raw } of this.whole.values()) if (part < this.least - 1) found.add(raw);
    return found.size === 1 && this.least <= MAX_PARTS ? [...found][0] : undefined;
  }
}

/** How many names of one object are kept: no hash vouches for them, so that the one counts that most parts give. */
const MAX_NAMES = 4;

/** What was found of one object. */
export class FoundObject {
  readonly data = new Parts();
  readonly pages = new Parts();
  readonly #label: string;
  readonly #names = new Map<string, number>();
  /** As the manifest gives it. */
  told: string | undefined;

  /** @param label Stands for the name where nothing else does. */
  constructor(label: string) {
    this.#label = label;
  }

  /** A part gives the object this name. */
  isCalled(name: string): void {
    const count = this.#names.get(name);
    if (count !== undefined || this.#names.size < MAX_NAMES) this.#names.set(name, (count ?? 0) + 1);
  }

  get name(): string {
    let best: readonly [string, number] = [this.#label, 0];
    for (const each of this.#names) if (each[1] > best[1]) best = each;
    return this.told ?? best[0];
  }
}
