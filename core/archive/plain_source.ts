/**
 * Opens an archive for its readers: decrypts it, if it is encrypted.
 *
 * @module
 */
import { decryptedSource, decryptedStream, type DecryptOptions } from "../age/decrypted.ts";
import type { KeyHeader } from "../age/key_headers.ts";
import { openHeader } from "../age/open_header.ts";
import { type Keyring, NO_KEYS } from "../operation.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { peek, type Peeked } from "../streams/peek.ts";
import { tapped } from "../streams/tapped.ts";
import { isEncrypted, notAnArchive } from "./archive_kind.ts";
import { RECOGNIZE_BYTES } from "./codecs.ts";
import type { BackupRecord } from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import type { PlainSource, RangeSource } from "./range_source.ts";

/** What opens an archive that may be encrypted. */
export interface OpenerOptions {
  /** Opens an encrypted archive; default: none can be opened. */
  readonly keys?: Keyring | undefined;
  /** The backup's record, when it is known: says whether its archive is encrypted, and to whom, and how long it is. */
  readonly record?: BackupRecord | undefined;
  /** Other headers that wrap the archive's file key. */
  readonly keyHeaders?: (() => Promise<readonly KeyHeader[]>) | undefined;
  /** Whether one of these is taken when the archive's own header is damaged; default: that is an error. */
  readonly unproven?: boolean | undefined;
}

/** How an archive that may be encrypted is read. */
export interface PlainOptions extends OpenerOptions {
  readonly pool: FramePool;
}

/** An archive by ranges, and the first bytes of it, by which it is recognized. */
export interface OpenSource {
  readonly source: PlainSource;
  readonly head: Bytes;
}

/**
 * An archive by ranges, decrypted.
 * @throws {VaultraError} `damaged.not-an-archive` when it is encrypted and its record says otherwise, or the reverse;
 * `usage.age-armored`, `key.*`, `damaged.age-header`, `damaged.age-chunk`, `damaged.truncated`
 */
export async function plainSource(stored: RangeSource, options: PlainOptions): Promise<OpenSource> {
  const head = await firstBytes(stored);
  if (isEncryptedAsRecorded(head, options)) {
    const complete = stored.size === options.record?.archive.size;
    const source = await decryptedSource(stored, { pool: options.pool, open: openerOf(options), complete });
    return { source, head: await firstBytes(source) };
  }
  const source: PlainSource = {
    size: stored.size,
    read: (offset, length) => stored.read(offset, length),
    stream: (offset, length) => stored.stream(offset, length),
    whole: (onStored) => tapped(stored.stream(0), onStored),
  };
  return { source, head };
}

/**
 * An archive as it comes out of a pipe, decrypted, and the first bytes of it.
 * @throws {VaultraError} as {@linkcode plainSource}; the stream throws `damaged.age-chunk` and `damaged.truncated`
 */
export async function plainStream(stored: ByteStream, options: PlainOptions): Promise<Peeked> {
  const peeked = await peek(stored, RECOGNIZE_BYTES);
  if (!isEncryptedAsRecorded(peeked.head, options)) return peeked;
  return await peek(
    await decryptedStream(peeked.whole, { pool: options.pool, open: openerOf(options) }),
    RECOGNIZE_BYTES,
  );
}

function firstBytes(source: RangeSource): Promise<Bytes> {
  return source.read(0, Math.min(source.size, RECOGNIZE_BYTES));
}

function isEncryptedAsRecorded(head: Uint8Array, { record }: PlainOptions): boolean {
  const encrypted = isEncrypted(head);
  if (record !== undefined && encrypted !== (record.encryption !== undefined)) {
    throw notAnArchive(
      encrypted
        ? "The archive is encrypted, and its record says that it is not"
        : "The archive is not encrypted as its record says",
    );
  }
  return encrypted;
}

/** Finds an archive's file key by its header. It throws what {@linkcode openHeader} does. */
export function openerOf(
  { keys = NO_KEYS, record, keyHeaders, unproven }: OpenerOptions,
): DecryptOptions["open"] {
  const recipients = record?.encryption?.recipients;
  return (header) => openHeader(header, keys, { recipients, others: keyHeaders, unproven });
}
