import type {
  BackupRequest,
  BackupSource,
  EntrySink,
  SourceObject,
  SourceStart,
  SourceSummary,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { CheckLevel } from "./config.ts";
import type { Engine } from "./connection.ts";
import { sqliteError } from "./failure.ts";
import { parseHeader, versionName } from "./header.ts";
import { databaseProperties } from "./inspect.ts";
import { checkIntegrity, checkPatience } from "./integrity.ts";
import { PAGE_HASH_BYTES, PageHashes } from "./page_hashes.ts";
import { countRows } from "./rows.ts";
import type { Snapshot } from "./snapshot.ts";

/** Number and name of the one object with data: the database file. */
const MAIN = { object: 1, name: "main" } as const;

/** The longest list of page hashes that is kept in memory; for larger databases the pages are read twice. */
const MAX_HASH_LIST = 64 << 20;

const instructions = `The parts of \`data/000001.main\`, joined, are the database file, byte for byte:

\`\`\`sh
cat data/000001.main/* > restored.db
\`\`\`

\`\`\`sh
sqlite3 restored.db "pragma integrity_check"
\`\`\`
`;

/** Reads the pages of a snapshot. */
export class SqliteSource implements BackupSource {
  readonly start: SourceStart;
  readonly #snapshot: Snapshot;
  readonly #request: BackupRequest;
  readonly #check: CheckLevel;
  readonly #context: PluginContext;
  readonly #warnings: string[] = [];
  #objects: readonly SourceObject[] = [];

  constructor(
    engine: Engine,
    snapshot: Snapshot,
    request: BackupRequest,
    check: CheckLevel | undefined,
    context: PluginContext,
  ) {
    this.#snapshot = snapshot;
    this.#request = request;
    this.#check = check ?? (request.proof === "none" ? "none" : "quick");
    this.#context = context;
    const warnings = snapshot.connection ? [...countRows(snapshot.connection, false).warnings] : [
      `Neither "${snapshot.path}" nor its folder can be written, so SQLite could not open it in WAL mode; it was read as a plain file, without counting rows or checking integrity`,
    ];
    if (snapshot.excess > 0) {
      warnings.push(
        `"${snapshot.path}" has ${snapshot.excess} bytes after its last page; they belong to no page and were left out`,
      );
    }
    this.start = {
      position: "0",
      engine: "sqlite",
      version: engine.version,
      bytes: snapshot.bytes,
      properties: propertiesOf(snapshot),
      instructions,
      warnings,
    };
  }

  async write(sink: EntrySink): Promise<void> {
    try {
      const keep = this.#snapshot.pageCount * PAGE_HASH_BYTES <= MAX_HASH_LIST;
      const hashes = this.#request.proof === "content"
        ? new PageHashes(this.#snapshot.pageSize, keep ? this.#snapshot : undefined)
        : undefined;
      await this.#writePages(sink, keep ? hashes : undefined);
      if (hashes) await (keep ? writeList(sink, hashes) : this.#hashAgain(sink, hashes));
      const { connection } = this.#snapshot;
      await this.#checkDatabase();
      const { objects, warnings } = connection
        ? await this.#blocking(() => countRows(connection, this.#request.proof !== "none"))
        : { objects: [], warnings: [] };
      // What listing the objects told was told at the start.
      this.#warnings.push(...warnings.filter((warning) => !this.start.warnings.includes(warning)));
      this.#objects = [{ ...MAIN, kind: "pages", ...(hashes ? { proof: hashes.proof() } : {}) }, ...objects];
    } catch (thrown) {
      throw sqliteError(thrown, this.#snapshot.path);
    }
  }

  finish(): Promise<SourceSummary> {
    this.#snapshot.verify();
    return Promise.resolve({ stop: "0", objects: this.#objects, warnings: this.#warnings });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#snapshot[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Streams all pages, in parts that end with whole pages. An empty database is one empty part. */
  async #writePages(sink: EntrySink, hashes: PageHashes | undefined): Promise<void> {
    const { bytes, pageSize } = this.#snapshot;
    let offset = 0;
    do {
      const part = sink.begin({ section: "data", ...MAIN });
      const limit = sink.partBytes(MAIN.object);
      const end = Math.min(offset + limit - (limit % pageSize), bytes);
      while (offset < end) {
        const buffer = await part.buffer();
        this.#context.signal.throwIfAborted();
        const pages = buffer.subarray(0, Math.min(buffer.length, end - offset));
        this.#snapshot.read(offset, pages);
        hashes?.add(pages);
        offset += pages.length;
        part.commit(buffer, pages.length);
      }
      part.end();
    } while (offset < bytes);
  }

  /** Reads all pages a second time and writes their hashes as they come, for a list too long to keep. */
  async #hashAgain(sink: EntrySink, hashes: PageHashes): Promise<void> {
    const { bytes, pageSize } = this.#snapshot;
    const buffer = new Uint8Array(1 << 20);
    const pagesInPart = Math.floor(sink.partBytes(MAIN.object) / PAGE_HASH_BYTES);
    for (let offset = 0; offset < bytes;) {
      const part = sink.begin({ section: "pages", ...MAIN });
      const end = Math.min(offset + pagesInPart * pageSize, bytes);
      while (offset < end) {
        this.#context.signal.throwIfAborted();
        const pages = buffer.subarray(0, Math.min(buffer.length, end - offset));
        this.#snapshot.read(offset, pages);
        await part.write(hashes.add(pages));
        offset += pages.length;
      }
      part.end();
    }
  }

  /** @throws {VaultraError} `database.corrupt` */
  async #checkDatabase(): Promise<void> {
    const { connection, path } = this.#snapshot;
    const level = this.#check;
    if (connection === undefined || level === "none") return;
    const { damage, unchecked } = await this.#blocking(() => checkIntegrity(connection, level));
    this.#warnings.push(
      ...unchecked.map((reason) => `A part of the integrity check could not run: ${reason}`),
    );
    if (damage.length === 0) return;
    throw new VaultraError("database.corrupt", `The database "${path}" is corrupt: ${damage[0]}`, {
      hint:
        `Repair it with: sqlite3 "${path}" .recover; or set check: none to back it up as it is, which a restore will refuse to call whole.`,
      details: { damage },
    });
  }

  #blocking<T>(call: () => T): Promise<T> {
    return this.#context.blocking(checkPatience(this.#snapshot.bytes), call);
  }
}

/** Writes the kept list of page hashes. */
async function writeList(sink: EntrySink, hashes: PageHashes): Promise<void> {
  const list = hashes.list ?? new Uint8Array();
  const limit = sink.partBytes(MAIN.object) & ~(PAGE_HASH_BYTES - 1);
  for (let at = 0; at < list.length; at += limit) {
    const part = sink.begin({ section: "pages", ...MAIN });
    await part.write(list.subarray(at, at + limit));
    part.end();
  }
}

/** What must be known to make an equal database, and who wrote it. */
function propertiesOf(snapshot: Snapshot): Record<string, string | number | boolean> {
  const { connection, pageSize, pageCount, journalMode } = snapshot;
  const header = parseHeader(snapshot.header());
  return {
    ...(connection ? databaseProperties(connection) : {}),
    pageSize,
    pageCount,
    journalMode,
    ...(header ? { reservedBytes: header.reserved, writtenBy: versionName(header.writer) } : {}),
  };
}
