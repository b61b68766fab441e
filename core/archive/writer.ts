import type { EntryEnd, EntryInfo, Position, SourceSummary } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { BLAME_PLUGIN } from "../hints.ts";
import { sealedStream, type Sealing } from "../age/sealed_stream.ts";
import { freed } from "../streams/blocks.ts";
import type { ByteStream, Chunk } from "../streams/bytes.ts";
import { type BegunEntry, EntryOrder, outOfOrder } from "./entry_order.ts";
import { HEADER_PATH, indexPath, MANIFEST_PATH, RESTORE_PATH } from "./entry_path.ts";
import { type CompleteEntry, EntryPieces } from "./entry_pieces.ts";
import { EntryPlacer } from "./entry_placer.ts";
import type { ArchiveHeader, Compression, Manifest, Place } from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import { Ledger } from "./ledger.ts";
import { INDEX_PIECE_LINES, MAX_DOCUMENT_BYTES } from "./limits.ts";
import { buildManifest } from "./manifest.ts";
import { OrderedOutput } from "./ordered_output.ts";
import { PackedIndex, type PlacedEntry } from "./packed_index.ts";
import { restoreInstructions } from "./restore_md.ts";
import { encodeEntryHeader, headerRoom, type Pax, TAR_BLOCK, TAR_END_BYTES } from "./tar.ts";
import { encodeTrailer } from "./trailer.ts";

/** Entries that may be begun and not yet written at a time. */
const MAX_OPEN = 64;

/** What an archive is made from. */
export interface ArchiveWriterOptions {
  readonly header: ArchiveHeader;
  /** The adapter's part of RESTORE.md: `SourceStart.instructions`. */
  readonly instructions: string;
  /** Where the backup stands in the engine's log: `SourceStart.position`. */
  readonly position: Position;
  readonly compression: Compression;
  /** Within the codec's `levels`. */
  readonly level: number;
  /** For whom it is encrypted; absent: it is not. */
  readonly encryption?: Sealing | undefined;
  readonly pool: FramePool;
  /** Its reason fails both the producers and the consumer. */
  readonly signal: AbortSignal;
}

/** What is known of an archive when it is complete: the record's figures. */
export interface ArchiveTotals {
  /** The bytes that are stored, encrypted or not, and their SHA-256. */
  readonly size: number;
  readonly sha256: string;
  /** Where the manifest lies in the plain archive, and its SHA-256. */
  readonly manifest: Omit<Place, "path">;
  readonly objects: number;
  readonly rows: number;
  /** Raw bytes of all entries in the index. */
  readonly raw: number;
  /** Lines in the index. */
  readonly entries: number;
}

/** Takes the content of one entry. */
export interface PartWriter {
  /**
   * Takes a chunk and releases it in every case. Waits while too much is on its way.
   * @throws {VaultraError} `plugin.part-too-long`, `plugin.order`, or the error that ended the archive
   */
  write(chunk: Chunk): Promise<void>;
  /**
   * Ends the entry. It stands in the archive after all entries that ended before; a part waits for the
   * earlier parts of its object.
   * @throws {VaultraError} `plugin.order`, `plugin.summary`, or the error that ended the archive
   */
  end(summary: EntryEnd): Promise<void>;
}

/** Takes the text of one of the archive's own entries. */
interface DocumentWriter {
  append(text: string): void;
  /** @param zeros Bytes of zeros after its padding. */
  end(placed: (place: Place) => void, zeros?: number): void;
}

/** A complete entry, ready for its place. */
interface ReadyEntry {
  readonly entry: CompleteEntry;
  readonly path: string;
  readonly about: Omit<PlacedEntry, "at">;
}

/**
 * Writes an archive while a consumer takes its bytes from {@linkcode ArchiveWriter.output}: entries are begun,
 * written and ended, several at a time if need be, then `finish` adds index, manifest and trailer. Memory is bounded
 * by the entries that are open at a time and the frames in flight, plus 70 bytes for each entry. After any error the
 * archive is void and both sides have failed with it.
 *
 * @example
 * ```ts ignore
 * const writer = new ArchiveWriter({ header, instructions, position, compression: "zstd", level: 3, pool, signal });
 * const stored = store.put(key, writer.output);
 * const part = writer.begin({ section: "data", name: "users", object: 1 });
 * await part.write(chunk);
 * await part.end({ rows: 42 });
 * const totals = await writer.finish(await source.finish(), new Date());
 * await stored;
 * ```
 */
export class ArchiveWriter {
  /** The archive's bytes, to be iterated once. Each block belongs to whoever took it. */
  readonly output: ByteStream;
  readonly #options: ArchiveWriterOptions;
  readonly #output: OrderedOutput;
  readonly #placer: EntryPlacer;
  readonly #order = new EntryOrder<ReadyEntry>();
  readonly #ledger = new Ledger();
  readonly #index = new PackedIndex();
  /** Seconds since 1970: every entry's time. */
  readonly #modified: number;
  #headerBuffer = new Uint8Array(4096);
  #textBuffer = new Uint8Array(0);
  #open = 0;
  #header: Place | undefined;
  #restore: Place | undefined;

  constructor(options: ArchiveWriterOptions) {
    const { header, compression, instructions, encryption, pool } = options;
    this.#options = options;
    this.#modified = Math.floor(Date.parse(header.started) / 1000);
    this.#output = new OrderedOutput({
      ...options,
      ...(encryption === undefined
        ? {}
        : { seal: (plain: ByteStream) => sealedStream(freed(plain), encryption, pool) }),
    });
    this.#placer = new EntryPlacer(
      this.#output,
      (lines, offset, stored) => this.#index.settle(lines, offset, stored),
    );
    this.output = this.#output.stream;
    const first = this.#document(HEADER_PATH);
    first.append(`${JSON.stringify(header, null, 2)}\n`);
    first.end((place) => this.#header = place);
    const second = this.#document(RESTORE_PATH);
    second.append(restoreInstructions(header, compression, encryption, instructions));
    second.end((place) => this.#restore = place);
  }

  /** Bytes of the archive that have left so far, for progress. */
  get stored(): number {
    return this.#output.size;
  }

  /**
   * Begins an entry. Parts of an object are numbered in the order they begin, within their section.
   * @throws {VaultraError} `plugin.bad-name`, `plugin.order`, or the error that ended the archive
   */
  begin(info: EntryInfo): PartWriter {
    return this.#guard(() => {
      if (this.#open >= MAX_OPEN) {
        throw outOfOrder(`The plugin left more than ${MAX_OPEN} entries unfinished at a time`);
      }
      const begun = this.#order.begin(info);
      this.#open++;
      return this.#partWriter(begun);
    });
  }

  #partWriter(begun: BegunEntry): PartWriter {
    const pieces = new EntryPieces(
      this.#output,
      headerRoom(begun.info.name),
    );
    let raw = 0;
    let ended = false;
    const take = (bytes: Uint8Array) => {
      if (ended) throw outOfOrder(`The plugin went on with ${begun.title} after its end`);
      raw += bytes.length;
      if (raw > begun.limit) {
        throw new VaultraError(
          "plugin.part-too-long",
          `The plugin wrote more than ${begun.limit} bytes to ${begun.title}`,
          {
            hint: BLAME_PLUGIN,
          },
        );
      }
      this.#order.count(begun, bytes.length);
      pieces.append(bytes);
    };
    return {
      write: async (chunk) => {
        try {
          this.#guard(() => take(chunk.bytes));
        } finally {
          chunk.release();
        }
        await this.#output.room();
      },
      end: async (summary) => {
        this.#guard(() => {
          if (ended) throw outOfOrder(`The plugin ended ${begun.title} twice`);
          ended = true;
          this.#end(begun, pieces, raw, summary);
        });
        await this.#output.room();
      },
    };
  }

  #end(begun: BegunEntry, pieces: EntryPieces, raw: number, summary: EntryEnd): void {
    const { info, path, part } = begun;
    const rows = summary.rows ?? 0;
    const isPart = part !== undefined;
    if (!Number.isSafeInteger(rows) || rows < 0 || (!isPart && (rows > 0 || summary.continues === true))) {
      throw new VaultraError("plugin.summary", `The plugin's summary of ${begun.title} is malformed`, {
        hint: BLAME_PLUGIN,
      });
    }
    const sha256 = pieces.sha256();
    const header = this.#encodeHeader(path, raw, {
      ...(isPart ? { object: info.name, part, rows } : {}),
      sha256,
      ...(summary.continues === true ? { continues: true } : {}),
    });
    const about = {
      section: info.section,
      name: begun.name,
      ...(isPart ? { object: info.object!, part } : {}),
      raw,
      rows,
      continues: summary.continues === true,
      sha256,
    };
    const ready = { entry: pieces.complete(header, raw), path, about };
    for (const next of this.#order.end(begun, ready)) this.#place(next);
  }

  #place({ entry, path, about }: ReadyEntry): void {
    const { continues, ...rest } = about;
    this.#ledger.add({ path, ...rest, ...(continues ? { continues } : {}) });
    this.#index.add({ ...about, at: this.#placer.place(entry) });
    this.#open--;
  }

  /**
   * Ends the archive with index, manifest and trailer. Resolves when the consumer has taken the last byte.
   * @param summary What the source found; checked against what it wrote.
   * @param now The time of the end.
   * @throws {VaultraError} `plugin.order`, `plugin.summary`, or the error that ended the archive
   */
  async finish(summary: SourceSummary, now: Date): Promise<ArchiveTotals> {
    this.#guard(() => {
      if (this.#open > 0) throw outOfOrder(`The plugin left ${this.#open} entries unfinished`);
    });
    await this.#flush();
    const index = await this.#writeIndex();
    const { manifest, text } = this.#guard(() => this.#manifest(index, summary, now));
    const last = this.#document(MANIFEST_PATH);
    last.append(text);
    let place!: Place;
    last.end((written) => place = written, TAR_END_BYTES);
    await this.#flush();
    const { path: _, ...range } = place;
    const sum = await this.#output.end((table) => encodeTrailer(this.#options.compression, table, range));
    const { objects, rows, raw, entries } = manifest.totals;
    return { ...sum, manifest: range, objects, rows, raw, entries };
  }

  /** Makes the archive void: the consumer and all producers fail with `reason`; the first reason counts. */
  abort(reason: unknown): void {
    this.#output.fail(reason);
  }

  async #writeIndex(): Promise<Place[]> {
    const places: Place[] = [];
    for (let piece = 0; piece * INDEX_PIECE_LINES < this.#index.length; piece++) {
      const document = this.#document(indexPath(piece));
      for (const batch of this.#index.piece(piece)) {
        document.append(batch);
        await this.#output.room();
      }
      document.end((place) => places.push(place));
      await this.#flush();
    }
    return places;
  }

  #manifest(
    index: Place[],
    summary: SourceSummary,
    now: Date,
  ): { readonly manifest: Manifest; readonly text: string } {
    const manifest = buildManifest({
      id: this.#options.header.id,
      finished: now,
      places: { header: this.#header!, restore: this.#restore!, index },
      ledger: this.#ledger,
      names: this.#order.names,
      start: this.#options.position,
      summary,
    });
    const text = `${JSON.stringify(manifest)}\n`;
    if (new TextEncoder().encode(text).length > MAX_DOCUMENT_BYTES) {
      throw new VaultraError(
        "plugin.summary",
        `The plugin named ${manifest.objects.length} objects, too many for one archive`,
        {
          hint: "Back up fewer objects at once, with `only` and `exclude`.",
        },
      );
    }
    return { manifest, text };
  }

  /** Begins an entry of the archive's own. */
  #document(path: string): DocumentWriter {
    const pieces = new EntryPieces(this.#output, TAR_BLOCK);
    let raw = 0;
    return {
      append: (text) => {
        const bytes = this.#encodeText(text);
        raw += bytes.length;
        pieces.append(bytes);
      },
      end: (placed, zeros = 0) => {
        const sha256 = pieces.sha256();
        const entry = pieces.complete(this.#encodeHeader(path, raw), raw, zeros);
        const at = this.#placer.place(
          entry,
          (offset, stored) => placed({ path, offset, stored, at, raw, sha256 }),
        );
      },
    };
  }

  /** The text's bytes, in a buffer that the next text overwrites: an index has much of it. */
  #encodeText(text: string): Uint8Array {
    if (this.#textBuffer.length < text.length * 3) this.#textBuffer = new Uint8Array(text.length * 3);
    return this.#textBuffer.subarray(0, new TextEncoder().encodeInto(text, this.#textBuffer).written);
  }

  /** The header's bytes, in a buffer that the next header overwrites. */
  #encodeHeader(path: string, size: number, pax?: Pax): Uint8Array {
    const room = headerRoom(pax?.object);
    if (this.#headerBuffer.length < room) this.#headerBuffer = new Uint8Array(room);
    const entry = { path, size, modified: this.#modified, ...(pax === undefined ? {} : { pax }) };
    return this.#headerBuffer.subarray(0, encodeEntryHeader(this.#headerBuffer, entry));
  }

  /** Ends the shared frame and waits until all before it has left, so that its place is known. */
  #flush(): Promise<void> {
    this.#placer.flush();
    return this.#output.drained();
  }

  /** Runs a step of the producers' side; its failure makes the archive void. */
  #guard<T>(step: () => T): T {
    this.#output.check();
    try {
      return step();
    } catch (error) {
      this.abort(error);
      throw error;
    }
  }
}
