/**
 * Opening an archive of which only a part may be whole.
 *
 * @module
 */
import { decryptedSource, decryptedStream } from "./age/decrypted.ts";
import { damagedHeader } from "./age/header.ts";
import { isEncrypted } from "./archive/archive_kind.ts";
import { CountedSource } from "./archive/counted_source.ts";
import { codecNamed, RECOGNIZE_BYTES } from "./archive/codecs.ts";
import { type Compression, compressions } from "./archive/format.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { openerOf } from "./archive/plain_source.ts";
import { type RangeSource, storeSource } from "./archive/range_source.ts";
import { type BackupLocation, checkOrigin, findArchive, keyHeadersOf } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { refuseUnsigned } from "./signing/signature.ts";
import type { ByteStream } from "./streams/bytes.ts";
import { peek } from "./streams/peek.ts";
import { tapped } from "./streams/tapped.ts";

/** An archive that may be damaged, decrypted as far as it can be, with zeros where it can't. */
export interface OpenDamaged {
  /** All bytes in order. */
  readonly stream: () => ByteStream;
  /** Absent when it comes from a pipe. */
  readonly source?: RangeSource;
  /** Bytes that are stored, when they are known, and those that were read so far. */
  readonly size?: number;
  readonly bytesRead: () => number;
  readonly encrypted: boolean;
  /** Plain bytes so far that could not be decrypted, for they are damaged; zeros stand for them. */
  readonly undecrypted: () => number;
  /** How it is compressed, by its record or its name; absent: neither tells. */
  readonly compression?: Compression;
}

/**
 * Opens a damaged archive by ranges.
 * @throws {VaultraError} `no-backup.archive`; `key.*`, `damaged.age-header`, `damaged.truncated` when it is encrypted and nothing
 * of it can be read; `signature.*`, `usage.age-armored`
 */
export async function openDamaged(
  location: BackupLocation,
  pool: FramePool,
  operation: Operation,
): Promise<OpenDamaged> {
  const { store, key, record } = location;
  const { size } = await findArchive(location);
  await checkOrigin(location, operation);
  const stored = new CountedSource(storeSource(store, key, size, operation.signal));
  const head = await stored.read(0, Math.min(size, RECOGNIZE_BYTES));
  const encrypted = isEncrypted(head);
  if (!encrypted && (record?.encryption !== undefined || key.endsWith(".age"))) {
    throw damagedHeader("its first bytes are not those of an age file, so that nothing can be decrypted");
  }
  const damage = new Damage();
  const keyHeaders = keyHeadersOf(location, operation);
  const open = openerOf({ keys: operation.keys, record, keyHeaders, unproven: true });
  const source: RangeSource = encrypted
    ? await decryptedSource(stored, { pool, onDamage: damage.add, open })
    : stored;
  const compression = record?.archive.compression ?? compressionOf(key);
  return {
    source,
    stream: () => source.stream(0),
    size,
    bytesRead: () => stored.bytesRead,
    encrypted,
    undecrypted: () => damage.bytes,
    ...(compression === undefined ? {} : { compression }),
  };
}

/**
 * Opens a damaged archive as it comes out of a pipe.
 * @throws {VaultraError} `signature.missing` where signatures are asked for; `key.*`, `damaged.age-header`, `damaged.truncated`,
 * `usage.age-armored`
 */
export async function openDamagedPipe(
  bytes: ByteStream,
  pool: FramePool,
  operation: Operation,
): Promise<OpenDamaged> {
  refuseUnsigned(operation);
  let read = 0;
  const counted = tapped(bytes, (block) => {
    read += block.length;
  });
  const { head, whole } = await peek(counted, RECOGNIZE_BYTES);
  const encrypted = isEncrypted(head);
  const damage = new Damage();
  const plain = encrypted
    ? await decryptedStream(whole, { pool, onDamage: damage.add, open: openerOf(operation) })
    : whole;
  return { stream: () => plain, bytesRead: () => read, encrypted, undecrypted: () => damage.bytes };
}

/** Adds up what could not be decrypted. */
class Damage {
  bytes = 0;
  readonly add = (_offset: number, length: number): void => {
    this.bytes += length;
  };
}

function compressionOf(key: string): Compression | undefined {
  const name = key.replace(/\.age$/, "");
  return compressions.find((each) => name.endsWith(codecNamed(each).extension));
}
