/**
 * Which parts a sample reads: of every object as large a share, and at least one part, so that no object is passed over.
 *
 * @module
 */
import type { IndexEntry } from "./archive/format.ts";
import { sectionOf } from "./archive/index_line.ts";
import { VaultraError } from "./errors.ts";
import { seeded } from "./seeded.ts";

/** A sample, as it can be taken again. */
export interface SampleSize {
  /** More than 0, at most 100. */
  readonly percent: number;
  /** Eight hexadecimal digits: of the same archive, the same seed chooses the same parts. */
  readonly seed: string;
}

/** One object's parts in one section. */
interface Stratum {
  parts: number;
  raw: number;
  /** Parts that are still to be chosen, and those that are still to come. */
  wanted: number;
  left: number;
}

/** Chooses parts in two passes over the index: the first counts, the second chooses as many as must be, each as likely. */
export class Sample {
  readonly #percent: number;
  readonly #random: () => number;
  readonly #strata = new Map<string, Stratum>();

  /** @throws {VaultraError} `usage.sample` */
  constructor({ percent, seed }: SampleSize) {
    if (!(percent > 0 && percent <= 100)) {
      throw new VaultraError("usage.sample", `A sample cannot be ${percent} percent of the parts`, {
        hint: "Give a number above 0 and up to 100, such as 5%.",
      });
    }
    if (!/^[0-9a-f]{8}$/i.test(seed)) {
      throw new VaultraError("usage.sample", `"${seed}" is no seed`, {
        hint: "A seed is the eight hexadecimal digits that an earlier sample told.",
      });
    }
    this.#percent = percent;
    this.#random = seeded(parseInt(seed, 16));
  }

  /** First pass: counts a line of the index. */
  count(line: IndexEntry): void {
    const name = stratumOf(line);
    let stratum = this.#strata.get(name);
    if (stratum === undefined) {
      stratum = { parts: 0, raw: 0, wanted: 0, left: 0 };
      this.#strata.set(name, stratum);
    }
    stratum.left = ++stratum.parts;
    stratum.raw += line.raw;
    // Files are few, and nothing can be restored without them.
    stratum.wanted = line.object === undefined
      ? stratum.parts
      : Math.max(1, Math.ceil(stratum.parts * this.#percent / 100));
  }

  /** About how many raw bytes will be chosen, once all lines were counted. */
  get bytes(): number {
    return [...this.#strata.values()].reduce(
      (sum, { raw, wanted, parts }) => sum + Math.round(raw * wanted / parts),
      0,
    );
  }

  /** Second pass, over the same lines: whether this one is chosen (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S). */
  chooses(line: IndexEntry): boolean {
    const stratum = this.#strata.get(stratumOf(line));
    if (stratum === undefined || stratum.left === 0) return false;
    const chosen = this.#random() * stratum.left-- < stratum.wanted;
    if (chosen) stratum.wanted--;
    return chosen;
  }
}

function stratumOf({ path, object }: IndexEntry): string {
  return `${sectionOf(path)}/${object ?? ""}`;
}
