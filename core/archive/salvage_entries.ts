/**
 * Finds the entries of an archive that are whole, in what is left of its tar.
 *
 * @module
 */
import { ByteWindow } from "../streams/byte_window.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { type ArchiveEntry, checkedEntry } from "./archive_entry.ts";
import { MAX_PART_BYTES } from "./format.ts";
import type { RawFrame } from "./raw_frames.ts";
import { firstMagic, isDamage } from "./salvage_frames.ts";
import { MAX_PAX_BYTES, paddingOf, parsePax, parseTarHeader, type Pax, TAR_BLOCK } from "./tar.ts";
import { type TarEntry, TarParser } from "./tar_parser.ts";

/** An entry that was found. */
export interface FoundEntry {
  readonly entry: TarEntry;
  /** Of a file or a part: as it is handed out, its content in a buffer of its own. */
  readonly checked: ArchiveEntry | undefined;
  /** Seconds since 1970: the start of the backup that it belongs to. */
  readonly modified: number | undefined;
  /** The range of the archive that holds it. */
  readonly offset: number;
  readonly stored: number;
}

/** The header of an entry that is not whole. */
export interface BrokenEntry {
  readonly path: string;
  readonly pax: Pax;
  readonly size: number;
  readonly modified: number | undefined;
}

/** An entry's headers, as far as its length. */
interface Headers {
  readonly path: string;
  readonly pax: Pax | undefined;
  readonly size: number;
  readonly modified: number | undefined;
  /** Bytes of headers, and of all. */
  readonly length: number;
  readonly total: number;
}

/** Where in a header the bytes stand that every header holds. */
const MAGIC_AT = 257;

/** Bytes that are looked at for nothing before the work is bounded by the stream's length, and by how many times that. */
const FREE_BYTES = 256 << 20;
const TIMES = 4;
/** What a header that is none counts for. */
const HEADER_COST = 4 << 10;

/**
 * Reads raw frames to their end, and yields the entries that are whole, in order. Files and parts are whole when their
 * content has the SHA-256 of their pax header; the archive's documents, which have none, when no byte in them is NUL,
 * as text has none and every tar header does: whoever reads them checks the rest. After an entry that is not whole, the
 * next begins wherever a header stands.
 */
export class EntrySalvage {
  readonly #window: ByteWindow;
  readonly #framed: boolean;
  /** The frames in the window, from `#first` on. */
  #frames: {
    readonly end: number;
    readonly start: number;
    readonly offset: number;
    readonly stored: number;
  }[] = [];
  #first = 0;
  #raw = 0;
  #wasted = 0;
  #passed = 0;
  readonly #onBroken: (entry: BrokenEntry) => void;

  /**
   * @param isFramed Not so of a plain tar, whose entries lie wherever they begin.
   * @param onBroken Told of every entry of the index whose headers are whole and whose content is not.
   */
  constructor(
    frames: AsyncIterable<RawFrame>,
    isFramed: boolean,
    onBroken: (entry: BrokenEntry) => void,
  ) {
    this.#window = new ByteWindow(this.#blocks(frames));
    this.#framed = isFramed;
    this.#onBroken = onBroken;
  }

  /** Bytes of the tar that belong to no whole entry and are not zero. */
  get passed(): number {
    return this.#passed;
  }

  /** The whole entries. Iterable once. @throws what the frames throw */
  async *entries(): AsyncGenerator<FoundEntry, void> {
    try {
      while (await this.#window.fill(TAR_BLOCK)) {
        const found = await this.#entry();
        if (found === undefined) await this.#skip();
        else {
          yield found;
          this.#forget();
        }
      }
      this.#pass(this.#window.bytes.length);
    } finally {
      await this.#window.close();
    }
  }

  async *#blocks(frames: AsyncIterable<RawFrame>): ByteStream {
    for await (const { offset, stored, bytes } of frames) {
      const start = this.#raw;
      this.#raw += bytes.length;
      if (this.#framed) this.#frames.push({ start, end: this.#raw, offset, stored });
      yield bytes;
    }
  }

  /** The entry that begins here; the window then moves behind it. */
  async #entry(): Promise<FoundEntry | undefined> {
    if (this.#wasted > FREE_BYTES + TIMES * this.#window.position) return undefined;
    const headers = await this.#headers();
    if (headers === undefined) {
      this.#wasted += HEADER_COST;
      return undefined;
    }
    const { total, modified } = headers;
    const whole = await this.#window.fill(total)
      ? wholeEntry(this.#window.bytes.subarray(0, total))
      : undefined;
    if (whole === undefined) {
      this.#wasted += Math.min(total, this.#window.bytes.length);
      const { path, pax, size } = headers;
      if (pax !== undefined) this.#onBroken({ path, pax, size, modified });
      return undefined;
    }
    const place = this.#placeOf(this.#window.position, total);
    this.#window.drop(total);
    return { ...whole, modified, ...place };
  }

  async #headers(): Promise<Headers | undefined> {
    const first = headerIn(this.#window.bytes);
    if (first === undefined) return undefined;
    if (first.type === "file") return headersOf(first, undefined, TAR_BLOCK);
    if (first.size < 1 || first.size > MAX_PAX_BYTES) return undefined;
    const body = first.size + paddingOf(first.size);
    this.#wasted += body;
    if (!await this.#window.fill(TAR_BLOCK + body + TAR_BLOCK)) return undefined;
    const { bytes } = this.#window;
    const file = headerIn(bytes.subarray(TAR_BLOCK + body));
    const pax = paxIn(bytes.subarray(TAR_BLOCK, TAR_BLOCK + first.size));
    if (file?.type !== "file" || pax === undefined) return undefined;
    this.#wasted -= body;
    return headersOf(file, pax, TAR_BLOCK + body + TAR_BLOCK);
  }

  /** The range of the archive that holds `length` raw bytes from a place on. */
  #placeOf(start: number, length: number): { readonly offset: number; readonly stored: number } {
    if (!this.#framed) return { offset: start, stored: length };
    let at = this.#first;
    while (this.#frames[at]!.end <= start) at++;
    const { offset } = this.#frames[at]!;
    while (this.#frames[at]!.end < start + length) at++;
    const last = this.#frames[at]!;
    return { offset, stored: last.offset + last.stored - offset };
  }

  /** Moves to the next place where a header may begin. */
  async #skip(): Promise<void> {
    this.#pass(1);
    while (await this.#window.fill(TAR_BLOCK)) {
      const { bytes } = this.#window;
      const at = firstMagic(bytes, "none", MAGIC_AT);
      this.#pass(at < 0 ? bytes.length - TAR_BLOCK + 1 : at - MAGIC_AT);
      this.#forget();
      if (at >= 0) return;
    }
  }

  #pass(length: number): void {
    const { bytes } = this.#window;
    for (let at = 0; at < length; at++) if (bytes[at] !== 0) this.#passed++;
    this.#window.drop(length);
  }

  /** Forgets the frames that the window has left behind. */
  #forget(): void {
    const { position } = this.#window;
    while (this.#first < this.#frames.length && this.#frames[this.#first]!.end <= position) this.#first++;
    if (this.#first > 64 && this.#first * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
  }
}

function headersOf(
  { path, size, modified }: { path: string; size: number; modified: number | undefined },
  pax: Pax | undefined,
  length: number,
): Headers | undefined {
  if (size > MAX_PART_BYTES) return undefined;
  return { path, pax, size, modified, length, total: length + size + paddingOf(size) };
}

function headerIn(bytes: Bytes) {
  try {
    return parseTarHeader(bytes.subarray(0, TAR_BLOCK)) ?? undefined;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function paxIn(body: Bytes): Pax | undefined {
  try {
    return parsePax(body);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** The one entry in these bytes, with content of its own, if it is whole. */
function wholeEntry(bytes: Bytes): Pick<FoundEntry, "entry" | "checked"> | undefined {
  try {
    const [parsed] = new TarParser().push(bytes, 1);
    if (parsed === undefined) return undefined;
    const checked = parsed.pax === undefined ? undefined : checkedEntry(parsed);
    if (checked === undefined && parsed.content.some((block) => block.includes(0))) return undefined;
    const content = parsed.content.map((block) => block.slice());
    return {
      entry: { ...parsed, content },
      checked: checked === undefined ? undefined : { ...checked, bytes: content },
    };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
