import { createHash, type Hash } from "node:crypto";
import { VaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import { joinBlocks } from "../streams/blocks.ts";
import type { ByteStream } from "../streams/bytes.ts";
import { type ArchiveEntry, checkedEntry, sha256Of, titleOf } from "./archive_entry.ts";
import { archiveKind } from "./archive_kind.ts";
import { codecNamed } from "./codecs.ts";
import { parseHeader, parseManifest } from "./documents.ts";
import { HEADER_PATH, indexPath, MANIFEST_PATH, RESTORE_PATH } from "./entry_path.ts";
import type { ArchiveHeader, Compression, IndexEntry, Manifest, Place } from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import { damagedIndex, parseLine, splitLines } from "./index_line.ts";
import { Ledger } from "./ledger.ts";
import { INDEX_PIECE_LINES } from "./limits.ts";
import { damagedManifest } from "./manifest.ts";
import { unfinished } from "./manifest_reader.ts";
import { quoteName } from "./quote_name.ts";
import { plainStream } from "./plain_source.ts";
import { rawFrames } from "./raw_frames.ts";
import { damagedTar } from "./tar.ts";
import { type TarEntry, TarParser } from "./tar_parser.ts";

/** How an archive is read from a pipe. */
export interface PipeReaderOptions {
  readonly pool: FramePool;
  readonly signal: AbortSignal;
  /** Opens it when it is encrypted; default: it can't be. */
  readonly keys?: Keyring | undefined;
}

/** A document that was read, to be held against the manifest. */
type Document = Pick<Place, "path" | "raw" | "sha256">;

/**
 * Reads an archive from its first byte to its last, as it comes out of a pipe. Each part is checked against the
 * SHA-256 in its own header; only at the end are all of them held against the index and the manifest. So whoever
 * restores commits when {@linkcode PipeReader.entries} has ended, not before.
 */
export class PipeReader implements AsyncDisposable {
  readonly compression: Compression;
  readonly header: ArchiveHeader;
  readonly #items: AsyncGenerator<TarEntry, void>;
  readonly #documents: Document[];
  readonly #ledger = new Ledger();
  readonly #names = new Map<number, string>();
  /** A hash over what each piece of the index must say. */
  readonly #pieces: Hash[] = [];
  #manifest: Manifest | undefined;

  private constructor(compression: Compression, items: AsyncGenerator<TarEntry, void>, header: TarEntry) {
    this.compression = compression;
    this.#items = items;
    this.#documents = [documentOf(header)];
    this.header = parseHeader(joinBlocks(header.content));
  }

  /**
   * Reads an archive's header.
   * @throws {VaultraError} `damaged.not-an-archive`, `damaged.truncated`, `damaged.newer-format`, `damaged.header`,
   * `damaged.age-header` and the like; `key.*`; what the stream throws
   */
  static async open(stream: ByteStream, options: PipeReaderOptions): Promise<PipeReader> {
    const { head, whole } = await plainStream(stream, options);
    const compression = archiveKind(head);
    const items = tarEntries(whole, compression, options);
    try {
      const first = await items.next();
      if (first.done || first.value.path !== HEADER_PATH) {
        throw damagedTar("The archive does not begin with its header");
      }
      return new PipeReader(compression, items, first.value);
    } catch (error) {
      await items.return();
      throw error;
    }
  }

  /** The manifest, once {@linkcode PipeReader.entries} has ended. */
  get manifest(): Manifest {
    if (this.#manifest === undefined) {
      throw new VaultraError("internal", "The manifest stands at the archive's end");
    }
    return this.#manifest;
  }

  /**
   * All entries in order, once.
   * @throws {VaultraError} `damaged.*` naming the part and its object
   */
  async *entries(): AsyncGenerator<ArchiveEntry> {
    const restore = await this.#next();
    if (restore?.path !== RESTORE_PATH) throw damagedTar(`The archive's second entry is not ${RESTORE_PATH}`);
    this.#documents.push(documentOf(restore));
    let item = await this.#next();
    for (; item !== undefined && item.pax !== undefined; item = await this.#next()) {
      const entry = checkedEntry(item);
      this.#note(entry);
      yield entry;
    }
    for (let piece = 0; item?.place.kind === "index"; piece++) {
      this.#checkIndex(item, piece);
      item = await this.#next();
    }
    if (item?.path !== MANIFEST_PATH) throw unfinished();
    const manifest = parseManifest(joinBlocks(item.content));
    if (await this.#next() !== undefined) throw damagedTar("Entries follow the archive's manifest");
    this.#checkManifest(manifest);
    this.#manifest = manifest;
  }

  /** Lets the stream go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#items.return();
  }

  async #next(): Promise<TarEntry | undefined> {
    const next = await this.#items.next();
    return next.done ? undefined : next.value;
  }

  #note(entry: ArchiveEntry): void {
    if (this.#ledger.entries % INDEX_PIECE_LINES === 0) this.#pieces.push(createHash("sha256"));
    const { path, section, object, part, raw, rows, continues } = entry;
    this.#ledger.add({
      path,
      section,
      ...(object === undefined ? {} : { object, part }),
      raw,
      rows,
      ...(continues ? { continues } : {}),
    });
    this.#pieces.at(-1)!.update(digestText(entry));
    if (object === undefined) return;
    const known = this.#names.get(object);
    if (known === undefined) this.#names.set(object, entry.name);
    else if (known !== entry.name) {
      throw damagedTar(`The object of ${titleOf(entry)} was called ${quoteName(known)} before`);
    }
  }

  #checkIndex(item: TarEntry, piece: number): void {
    if (item.path !== indexPath(piece)) {
      throw damagedIndex(`The entry ${quoteName(item.path)} stands where piece ${piece} of the index must`);
    }
    const hash = createHash("sha256");
    for (const line of splitLines(item.content, item.path)) {
      hash.update(digestText(parseLine(line)));
    }
    if (this.#pieces[piece]?.digest("hex") !== hash.digest("hex")) {
      throw damagedIndex(`The archive's "${item.path}" does not describe the entries that the archive holds`);
    }
    this.#documents.push(documentOf(item));
  }

  #checkManifest(manifest: Manifest): void {
    if (manifest.id !== this.header.id) {
      throw damagedManifest("The archive's header and manifest are of two different backups");
    }
    const places = [manifest.header, manifest.restore, ...manifest.index];
    const agrees = places.length === this.#documents.length &&
      this.#pieces.length === manifest.index.length &&
      places.every(({ path, raw, sha256 }, i) => {
        const document = this.#documents[i]!;
        return document.path === path && document.raw === raw && document.sha256 === sha256;
      });
    if (!agrees) throw damagedManifest("The manifest does not describe the archive's header and index");
    this.#ledger.check(manifest);
    const named = manifest.objects.every(({ object, name }) =>
      object === undefined || (this.#names.get(object) ?? name) === name
    );
    if (!named) throw damagedManifest("The manifest gives an object another name than its parts");
  }
}

/** What entry and index line must say alike. */
function digestText({ path, raw, rows, continues, sha256 }: IndexEntry | ArchiveEntry): string {
  return `${path} ${raw} ${rows} ${continues === true} ${sha256}\n`;
}

function documentOf({ path, size, content }: TarEntry): Document {
  return { path, raw: size, sha256: sha256Of(content) };
}

/** The tar's entries, up to the end of the stream. */
async function* tarEntries(
  stream: ByteStream,
  compression: Compression,
  { pool, signal }: PipeReaderOptions,
): AsyncGenerator<TarEntry, void> {
  const parser = new TarParser();
  try {
    for await (const { bytes } of rawFrames(stream, { codec: codecNamed(compression), pool, signal })) {
      const entries = parser.push(bytes);
      // Before they are handed out: whoever takes an entry may give its buffer away, which is the frame's.
      const isRead = parser.taken === bytes.length;
      yield* entries;
      if (!isRead) throw damagedTar("Bytes follow the end of the archive's tar");
    }
  } catch (error) {
    throw inEntry(error, parser.unfinished);
  }
  if (!parser.ended) throw inEntry(unfinished(), parser.unfinished);
}

/** An error of a stream's frames, with the entry that they broke off in. */
function inEntry(error: unknown, path: string | undefined): unknown {
  if (path === undefined || !(error instanceof VaultraError) || error.family !== "damaged") return error;
  if (error.message.includes(path)) return error;
  return new VaultraError(error.code, `The entry ${quoteName(path)} is not whole: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
