import type { Bytes } from "../streams/bytes.ts";
import type { CompleteEntry } from "./entry_pieces.ts";
import { GROUP_BYTES } from "./limits.ts";
import type { OrderedOutput } from "./ordered_output.ts";

/** Told the range of the frames that hold an entry, and where in their raw bytes it begins. */
export type Placed = (offset: number, stored: number, at: number) => void;

/** Puts complete entries into frames in order: small ones together, larger ones into frames of their own. */
export class EntryPlacer {
  readonly #output: OrderedOutput;
  /** The frame that small entries are being gathered for. */
  #group: {
    readonly buffer: Bytes;
    length: number;
    readonly entries: { readonly at: number; readonly placed: Placed }[];
  } | undefined;

  constructor(output: OrderedOutput) {
    this.#output = output;
  }

  /** Puts the entry next. */
  place(entry: CompleteEntry, placed: Placed): void {
    if ("frames" in entry) {
      this.flush();
      this.#output.place(entry.frames, (offset, stored) => placed(offset, stored, 0));
      return;
    }
    if (this.#group !== undefined && this.#group.length + entry.small.length > GROUP_BYTES) this.flush();
    this.#group ??= { buffer: this.#output.buffer(), length: 0, entries: [] };
    this.#group.buffer.set(entry.small, this.#group.length);
    this.#group.entries.push({ at: this.#group.length, placed });
    this.#group.length += entry.small.length;
    this.#output.recycle(entry.buffer);
  }

  /** Ends the shared frame, so that the next entry begins another. */
  flush(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    const frame = this.#output.compress(group.buffer.subarray(0, group.length));
    this.#output.place([frame], (offset, stored) => {
      for (const { at, placed } of group.entries) placed(offset, stored, at);
    });
  }
}
