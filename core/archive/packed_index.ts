import type { Section } from "../database.ts";
import { filePath, partPath, sections } from "./entry_path.ts";
import type { IndexEntry } from "./format.ts";
import { formatLine } from "./index_line.ts";
import { INDEX_PIECE_LINES } from "./limits.ts";

/** What is known of an entry when it is put into a frame. */
export interface PlacedEntry {
  readonly section: Section;
  /** Of files: the file's name. Of parts: the label in the path. */
  readonly name: string;
  readonly object?: number;
  readonly part?: number;
  readonly at: number;
  readonly raw: number;
  readonly rows: number;
  readonly continues: boolean;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Lines in one block of memory: few enough that a small archive's index is small. */
const BLOCK_LINES = 4096;

/** Some lines of the index, a column each. */
class Block {
  readonly offset = new Float64Array(BLOCK_LINES);
  readonly stored = new Uint32Array(BLOCK_LINES);
  readonly at = new Uint32Array(BLOCK_LINES);
  readonly raw = new Uint32Array(BLOCK_LINES);
  readonly rows = new Float64Array(BLOCK_LINES);
  readonly object = new Uint32Array(BLOCK_LINES);
  readonly part = new Uint32Array(BLOCK_LINES);
  readonly section = new Uint8Array(BLOCK_LINES);
  readonly continues = new Uint8Array(BLOCK_LINES);
  readonly sha256 = new Uint8Array(BLOCK_LINES * 32);
}

/** The lines of the index before they can be written, 70 bytes each: a million entries take 70 MB. */
export class PackedIndex {
  readonly #blocks: Block[] = [];
  /** Names of files by line; labels of objects by number. */
  readonly #files = new Map<number, string>();
  readonly #labels = new Map<number, string>();
  /** Lines so far, and those whose frames have left. */
  length = 0;
  #settled = 0;

  /** Adds the next line; the range of its frames is told later. */
  add(entry: PlacedEntry): void {
    const line = this.length % BLOCK_LINES;
    if (line === 0) this.#blocks.push(new Block());
    const block = this.#blocks.at(-1)!;
    block.at[line] = entry.at;
    block.raw[line] = entry.raw;
    block.rows[line] = entry.rows;
    block.section[line] = sections.indexOf(entry.section);
    block.continues[line] = Number(entry.continues);
    block.sha256.subarray(line * 32).setFromHex(entry.sha256);
    if (entry.object === undefined) this.#files.set(this.length, entry.name);
    else {
      block.object[line] = entry.object;
      block.part[line] = entry.part!;
      this.#labels.set(entry.object, entry.name);
    }
    this.length++;
  }

  /** Tells the range of frames that hold the next lines of which it was not told. */
  settle(lines: number, offset: number, stored: number): void {
    for (const end = this.#settled + lines; this.#settled < end; this.#settled++) {
      const block = this.#blocks[Math.floor(this.#settled / BLOCK_LINES)]!;
      const line = this.#settled % BLOCK_LINES;
      block.offset[line] = offset;
      block.stored[line] = stored;
    }
  }

  /** The text of one piece of the index, a batch of lines at a time. */
  *piece(number: number): Generator<string> {
    const end = Math.min(this.length, (number + 1) * INDEX_PIECE_LINES);
    for (let line = number * INDEX_PIECE_LINES; line < end;) {
      let text = "";
      for (const batch = Math.min(end, line + 256); line < batch; line++) {
        text += formatLine(this.#entry(line));
      }
      yield text;
    }
  }

  #entry(line: number): IndexEntry {
    const block = this.#blocks[Math.floor(line / BLOCK_LINES)]!;
    const at = line % BLOCK_LINES;
    const section = sections[block.section[at]!]!;
    const common = {
      offset: block.offset[at]!,
      stored: block.stored[at]!,
      at: block.at[at]!,
      raw: block.raw[at]!,
      rows: block.rows[at]!,
      sha256: block.sha256.subarray(at * 32, at * 32 + 32).toHex(),
    };
    if (section === "schema" || section === "schema-after") {
      return { path: filePath(section, this.#files.get(line)!), ...common };
    }
    const object = block.object[at]!;
    const part = block.part[at]!;
    return {
      path: partPath(section, object, this.#labels.get(object)!, part),
      object,
      part,
      ...common,
      ...(block.continues[at] === 1 ? { continues: true as const } : {}),
    };
  }
}
