/**
 * What an object store is. One interface on both sides of the Worker's boundary: a plugin implements it, the
 * host hands `core` a twin that behaves the same.
 *
 * @module
 */
import type { ByteStream } from "./streams/bytes.ts";
import type { Check } from "./events.ts";

/** One object. Keys are relative to the store's root: `/` between parts, no leading `/`, no `.` or `..` part. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** RFC 3339, UTC, by the store's clock. */
  readonly modified: string;
  /** Changes whenever the object does; opaque. */
  readonly etag: string;
}

/** A half-open range of bytes; `length` absent means to the end. */
export interface ByteRange {
  readonly offset: number;
  readonly length?: number;
}

/** The reading half. */
export interface ObjectReader {
  /**
   * The object's bytes, or a range of them.
   * @throws {VaultraError} `store.not-found`; `damaged.short-object` when fewer bytes come than the range holds.
   */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ByteStream>;
  /** The object's description, or `null` when there is none: absence is an answer, not an error. */
  stat(key: string): Promise<ObjectInfo | null>;
  /** All objects whose key begins with `prefix`, sorted by key; unfinished uploads are never among them. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
}

/** How an object is put. `ifAbsent` and `ifMatch` exclude each other. */
export interface PutOptions {
  /** Only if no object has the key; among racing writers exactly one wins. */
  readonly ifAbsent?: boolean;
  /** Only if the object is still the one with this etag. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

/** What a store can do. Declared, never guessed. */
export interface StoreCapabilities {
  /** `ifAbsent` and `ifMatch` are exclusive between processes. */
  readonly conditionalPut: boolean;
  /** Objects can be locked against removal until a time. */
  readonly retention: boolean;
}

/** An upload that was begun and never ended. */
export interface Upload {
  /** The key it would have had. */
  readonly key: string;
  /** RFC 3339, UTC. */
  readonly started: string;
  /** Bytes stored so far, as far as the store tells. */
  readonly size: number;
  /** Names the upload for {@linkcode ObjectStore.discard}; opaque. */
  readonly upload: string;
}

/**
 * A store. Required semantics:
 * - `put` is atomic: a reader sees the whole object or none; an abort or a failure leaves nothing listed.
 * - what `put` confirmed survives a power cut, and is read and listed at once by every process.
 * - `remove` of an absent key succeeds.
 */
export interface ObjectStore extends ObjectReader, AsyncDisposable {
  readonly capabilities: StoreCapabilities;
  /** How the store is named to a person; never holds a secret. */
  readonly displayName: string;
  /**
   * Stores an object of unknown length.
   * @throws {VaultraError} `store.exists` (ifAbsent), `store.changed` (ifMatch), `store.disk-full`, `store.denied`.
   */
  put(key: string, body: ByteStream, options?: PutOptions): Promise<ObjectInfo>;
  /** Removes an object; with `ifMatch` only if it is still that one. */
  remove(key: string, options?: { readonly ifMatch?: string }): Promise<void>;
  /** Uploads that never ended, of this tool's own making. */
  unfinished(): AsyncIterable<Upload>;
  /** Throws an unfinished upload away. */
  discard(upload: Upload): Promise<void>;
  /** Named checks for `doctor`, each with its fix. The first one tells, at once, whether the store is there. */
  checks(): AsyncIterable<Check>;
}
