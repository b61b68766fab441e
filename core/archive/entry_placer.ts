import type { Bytes } from "../streams/bytes.ts";
import type { CompleteEntry } from "./entry_pieces.ts";
import { GROUP_BYTES } from "./limits.ts";
import type { OrderedOutput, PendingFrame } from "./ordered_output.ts";

/** Told the range of frames that hold an entry, once they have left. */
export type Placed = (offset: number, stored: number) => void;

/** Puts complete entries into frames in order: small ones together, larger ones into frames of their own. */
export class EntryPlacer {
  readonly #output: OrderedOutput;
  readonly #settle: (lines: number, offset: number, stored: number) => void;
  /** The frame that small entries are being gathered for, and who is told its place. */
  #group: { readonly buffer: Bytes; length: number; lines: number; readonly placed: Placed[] } | undefined;

  /** @param settle Called in order: so many entries, the next of those without a `placed` of their own, are in this range. */
  constructor(output: OrderedOutput, settle: (lines: number, offset: number, stored: number) => void) {
    this.#output = output;
    this.#settle = settle;
  }

  /**
   * Puts the entry next.
   * @returns Where in its frames' raw bytes it begins.
   */
  place(entry: CompleteEntry, placed?: Placed): number {
    if ("frames" in entry) {
      this.flush();
      this.#send(entry.frames, placed === undefined ? 1 : 0, placed === undefined ? [] : [placed]);
      return 0;
    }
    if (this.#group !== undefined && this.#group.length + entry.small.length > GROUP_BYTES) this.flush();
    const group = this.#group ??= { buffer: this.#output.buffer(), length: 0, lines: 0, placed: [] };
    const at = group.length;
    group.buffer.set(entry.small, at);
    group.length += entry.small.length;
    if (placed === undefined) group.lines++;
    else group.placed.push(placed);
    this.#output.recycle(entry.buffer);
    return at;
  }

  /** Ends the shared frame, so that the next entry begins another. */
  flush(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    this.#send([this.#output.compress(group.buffer.subarray(0, group.length))], group.lines, group.placed);
  }

  #send(frames: readonly PendingFrame[], lines: number, placed: readonly Placed[]): void {
    this.#output.place(frames, (offset, stored) => {
      this.#settle(lines, offset, stored);
      for (const tell of placed) tell(offset, stored);
    });
  }
}
