/**
 * What a database adapter is, inside its Worker, and the twin that the host hands to `core`.
 *
 * @module
 */
import type { Check } from "./events.ts";
import type { Bytes, ByteStream, Chunk } from "./streams/bytes.ts";

/** What an adapter can do. Declared, never guessed. */
export interface DatabaseCapabilities {
  readonly types: readonly ("full" | "incremental" | "differential")[];
  /** Restore to a time between backups. */
  readonly pointInTime: boolean;
  /** Restore of single objects. */
  readonly selective: boolean;
  /** Whether objects can be restored under another name. */
  readonly rename: boolean;
  /** Where the content of a backup can go. */
  readonly outputs: readonly RestoreOutput[];
}

/**
 * Where the content of a backup goes: into the configured database; to a script of the engine's own statements (`sql`); to
 * the rows of one object, as text or in the engine's exchange form (`csv`, `json`: one document a line, `raw`); or nowhere: it is
 * read, counted and proven (`proof`).
 */
export type RestoreOutput = "database" | "sql" | "csv" | "json" | "raw" | "proof";

/** How much a backup proves of itself: nothing, row counts, or a content hash as well. */
export type ProofLevel = "none" | "rows" | "content";

/** A place in the engine's change log. Opaque to core, ordered by the adapter. */
export type Position = string;

/** One object of a database: a table, a collection, a file of pages. */
export interface DatabaseObject {
  /** The true name; qualified names are joined as patterns write them. */
  readonly name: string;
  /** `table`, `view`, `virtual`, `pages`, … */
  readonly kind: string;
  readonly rows?: number;
  /** Bytes in the database, as far as the engine tells. */
  readonly bytes?: number;
}

/** What `inspect` finds. */
export interface DatabaseInfo {
  /** The plugin's name. */
  readonly engine: string;
  /** The server's or library's version. */
  readonly version: string;
  /** Bytes of the whole database. */
  readonly bytes: number;
  readonly objects: readonly DatabaseObject[];
  /** What must be known to make an equal database: page size, encoding, locale, … */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** Bounds on what a backup may cost the database. */
export interface BackupLimits {
  /** Longest wait for a lock, milliseconds. */
  readonly lockWait?: number;
  /** Longest time that writers may wait for the backup, milliseconds. */
  readonly writerPause?: number;
  /** How far the engine's log may grow while the backup holds it, bytes. */
  readonly logGrowth?: number;
}

/** What is to be backed up, and how. Patterns were checked by core. */
export interface BackupRequest {
  readonly type: "full";
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly excludeData: readonly string[];
  readonly proof: ProofLevel;
  readonly parallel: number;
  readonly limits: BackupLimits;
}

/** The folders of an archive that an adapter writes to, in the order they must stand. */
export type Section = "schema" | "data" | "pages" | "schema-after";

/**
 * What an entry is. `schema` and `schema-after` hold whole files (`name` is a file name such as `tables.sql`);
 * the others hold parts of an object (`name` is its true name, `object` its number, from 1).
 */
export interface EntryInfo {
  readonly section: Section;
  readonly name: string;
  readonly object?: number;
}

/** What is known of an entry when it is complete. */
export interface EntryEnd {
  /** Whole rows in the entry. */
  readonly rows?: number;
  /** The last row goes on in the object's next part. */
  readonly continues?: boolean;
}

/** Takes the bytes of one entry, inside the Worker. */
export interface EntryWriter {
  /** An empty buffer of {@linkcode CHUNK_BYTES} to fill; waits while too many are on their way. */
  buffer(): Promise<Bytes>;
  /** Hands over the first `length` bytes of a buffer got from `buffer()`, which is gone after it. */
  commit(buffer: Bytes, length: number): void;
  /** Copies bytes of any length: the convenient way. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the entry. */
  end(summary?: EntryEnd): void;
}

/** Where a source writes its entries. Entries of several connections may be open at once. */
export interface EntrySink {
  /** The most bytes that the next part of this object may hold; grows with the object (`partLimit`). */
  partBytes(object: number): number;
  /** Begins an entry. Parts of an object are numbered in the order they begin. */
  begin(entry: EntryInfo): EntryWriter;
}

/** What a source knows when all was read. */
export interface SourceSummary {
  readonly stop: Position;
  /** What a person must know of this backup and was not known at its start, each a sentence. */
  readonly warnings?: readonly string[];
  /** Every object with its number when it has data of its own, its rows and its proof. */
  readonly objects: readonly SourceObject[];
}

/** One object as the manifest keeps it. */
export interface SourceObject {
  readonly name: string;
  readonly kind: string;
  /** The number of its data entries; absent when it has none of its own. */
  readonly object?: number;
  /** The number of the object whose data holds this one and its definition (a table inside a file of pages). */
  readonly within?: number;
  readonly rows?: number;
  /** `algorithm:hex`, as docs/archive-format.md defines them, such as `sha256-pages:…`. */
  readonly proof?: string;
  /** How the engine defines it, as its own statement. Only in the report of a restore whose output is `proof`. */
  readonly definition?: string;
}

/** What stands in the archive's header and in RESTORE.md, known before the first byte of data. */
export interface SourceStart {
  readonly position: Position;
  readonly engine: string;
  readonly version: string;
  /** Bytes that will be read, for progress; an estimate. */
  readonly bytes: number;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /**
   * Markdown: the commands that turn the unpacked files into a database, run in the folder where the archive was
   * unpacked. Each command stands in a fenced `sh` block.
   */
  readonly instructions: string;
  /** What a person must know of this backup though it succeeded, each a sentence. */
  readonly warnings: readonly string[];
}

/** One consistent read of a database. */
export interface BackupSource extends AsyncDisposable {
  readonly start: SourceStart;
  /** Reads everything, once. */
  write(sink: EntrySink): Promise<void>;
  /** Valid after `write`: checks that the snapshot held to the end. */
  finish(): Promise<SourceSummary>;
}

/** What is to be restored, and how. */
export interface RestoreRequest {
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  /**
   * The only objects that are read, by their true names: the one of the outputs `csv`, `json` and `raw`, any of `proof`. A name
   * that the backup does not hold is refused with `usage.no-such-object`, an object without rows of its own with `usage.not-a-table`.
   */
  readonly names?: readonly string[];
  readonly schemaOnly: boolean;
  readonly dataOnly: boolean;
  readonly ifExists: "fail" | "replace" | "append";
  /** All but `database` and `proof` are read from {@linkcode RestoreTarget.script}; only `database` writes to the target. */
  readonly output: RestoreOutput;
  /**
   * Parts may be missing, for the archive was cut or damaged (`salvage`): {@linkcode PartReader.read} throws
   * `damaged.missing-part` for them. What needs none of them is restored; the rest is named in the report's warnings.
   */
  readonly salvage: boolean;
  readonly proof: ProofLevel;
  /** The backup's engine version, properties and objects, as its header and manifest tell: not trusted. */
  readonly version: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /** Absent when the archive comes from a pipe, where the manifest is known only at the end. */
  readonly objects?: readonly SourceObject[];
  /** Raw bytes of all data, 0 when unknown. */
  readonly bytes: number;
}

/** What a restore would do. */
export interface RestorePlan {
  /** `stream`: core writes every entry in order. `pull`: the target reads the parts that it needs. */
  readonly mode: "stream" | "pull";
  /** One line a step, for people. */
  readonly steps: readonly string[];
  /** Objects that will be restored; absent: all. */
  readonly objects?: readonly string[];
  /** What stands in the way now: a restore would fail with these. */
  readonly conflicts: readonly string[];
}

/** One whole entry whose SHA-256 was checked. */
export interface RestoreEntry extends EntryInfo {
  /** The part's number within its object and section, from 0. */
  readonly part: number;
  readonly rows: number;
  readonly continues: boolean;
  readonly bytes: readonly Bytes[];
}

/** Reads single parts of the archive, checked; inside the Worker this goes through the host. */
export interface PartReader {
  /**
   * The bytes of one part of an object.
   * @throws {VaultraError} `damaged.*` when the part is missing or wrong.
   */
  read(section: Section, object: number, part: number): Promise<Bytes>;
  /** How the parts of an object divide its bytes: the raw length of each, in order. */
  layout(section: Section, object: number): Promise<readonly number[]>;
}

/** What was restored. */
export interface RestoreReport {
  /** Objects as found in the target afterwards: rows counted there, proof taken there. */
  readonly objects: readonly SourceObject[];
  /**
   * The same objects as the archive's content proves them, where the manifest holds no proof of each (a table chosen out of
   * a file of pages): what `objects` is compared with.
   */
  readonly expected?: readonly SourceObject[];
  /** Where the result is, for people. */
  readonly target: string;
  readonly warnings: readonly string[];
}

/** A restore in the making. Until `commit` the target is as it was. Disposing without `commit` removes every trace. */
export interface RestoreTarget extends AsyncDisposable {
  plan(): Promise<RestorePlan>;
  /** Mode `stream`: takes the next entry, in the archive's order. */
  write(entry: RestoreEntry): Promise<void>;
  /** Mode `pull`: reads what it needs. */
  pull(reader: PartReader): Promise<void>;
  /** Every output but `database` and `proof`: what is made, after `write` or `pull`. */
  script(): ByteStream;
  /** Checks the result and makes it visible. */
  commit(): Promise<RestoreReport>;
}

/** An adapter, opened inside its Worker. */
export interface DatabaseAdapter extends AsyncDisposable {
  readonly capabilities: DatabaseCapabilities;
  inspect(): Promise<DatabaseInfo>;
  /** Takes the snapshot. */
  backup(request: BackupRequest): Promise<BackupSource>;
  restore(request: RestoreRequest): Promise<RestoreTarget>;
  /** Named checks for `doctor`, each with its fix. */
  checks(): AsyncIterable<Check>;
}

/** What arrives from a source: entries by their stream number, chunks in order within a stream. */
export type SourceEvent =
  | { readonly type: "begin"; readonly stream: number; readonly entry: EntryInfo }
  | { readonly type: "data"; readonly stream: number; readonly chunk: Chunk }
  | { readonly type: "end"; readonly stream: number; readonly summary: EntryEnd };

/** The twin of {@linkcode BackupSource} that `core` sees. */
export interface HostedSource extends AsyncDisposable {
  readonly start: SourceStart;
  /** Starts the read, once, and yields what comes; ends when the source's `write` ended. */
  events(): AsyncIterable<SourceEvent>;
  finish(): Promise<SourceSummary>;
}

/** The twin of {@linkcode DatabaseAdapter} that `core` sees. */
export interface HostedDatabase extends AsyncDisposable {
  readonly capabilities: DatabaseCapabilities;
  inspect(): Promise<DatabaseInfo>;
  backup(request: BackupRequest): Promise<HostedSource>;
  restore(request: RestoreRequest): Promise<RestoreTarget>;
  checks(): AsyncIterable<Check>;
}
