/**
 * Copying backups from store to store: their bytes as they are, verified on the way. No key is needed.
 *
 * The record is put last, so that nothing is listed before it is whole. What was copied and verified before a failure stays
 * where it is, and copying the same backup again goes on from there.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { sha256Of } from "./archive/archive_entry.ts";
import type { BackupRecord } from "./archive/format.ts";
import { Catalog } from "./catalog/catalog.ts";
import { archiveKeyOf, keyHeadersPrefix, parseKey, recordKey, signatureKey } from "./catalog/keys.ts";
import { readIfThere } from "./catalog/read_small.ts";
import { readRecord } from "./catalog/record.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { OTHER_BACKUP } from "./hints.ts";
import { lockJob, type LockOwner } from "./lock.ts";
import type { Operation } from "./operation.ts";
import { checkSignature } from "./signing/signature.ts";
import type { ObjectStore } from "./store.ts";
import { abortable } from "./streams/abortable.ts";
import { once } from "./streams/blocks.ts";
import type { Bytes, ByteStream } from "./streams/bytes.ts";

/** The longest object that is copied beside an archive: a record, a signature, a key header. */
const MAX_SMALL_BYTES = 1 << 20;

/** From where to where. */
export interface CopyStores {
  readonly from: ObjectStore;
  readonly to: ObjectStore;
}

/** A backup that is in both stores now. */
export interface Copied {
  readonly record: BackupRecord;
  /** Whether it was there already. */
  readonly already: boolean;
}

/**
 * Copies a backup and all that it builds on, under the job's lock in the store that is written. Pins and other marks are not
 * copied: they were decided and found about the backup in its own store.
 *
 * @returns The backups of the chain, root first.
 * @throws {VaultraError} `damaged.*` when the archive is not what its record says; `store.exists` when something else lies under
 * a key; `signature.*`, `locked.*`, and what the stores throw. No backup is listed then that is not whole.
 */
export async function copy(
  stores: CopyStores,
  record: BackupRecord,
  owner: Pick<LockOwner, "host" | "pid">,
  operation: Operation,
): Promise<Copied[]> {
  const chain = await new Catalog(stores.from, operation.listener).chain(record);
  await using lock = await lockJob(stores.to, record.job, { ...owner, command: "copy" }, operation);
  const signal = AbortSignal.any([operation.signal, lock.signal]);
  const copied: Copied[] = [];
  for (const link of chain) copied.push(await copyOne(stores, link, { ...operation, signal }));
  return copied;
}

async function copyOne(stores: CopyStores, named: BackupRecord, operation: Operation): Promise<Copied> {
  const { job, id } = named;
  const keys = { record: recordKey(job, id), signature: signatureKey(job, id) };
  const bytes = await new Catalog(stores.from).bytes(named);
  const record = readRecord(bytes, named);
  await checkSignature(stores.from, keys, record, operation);

  // Before hours are spent on the archive
  const listed = await holds(stores.to, keys.record, bytes);
  const archived = await ensureArchive(stores, record, listed, operation);
  await copyKeyHeaders(stores, record, operation.signal);
  await copySmall(stores, keys.signature, operation.signal);
  if (!listed) await putSame(stores.to, keys.record, bytes, operation.signal);
  return { record, already: listed && !archived };
}

/**
 * Sees to it that the archive is there.
 * @param listed Whether its record is there already.
 * @returns Whether it was copied.
 */
async function ensureArchive(
  { from, to }: CopyStores,
  record: BackupRecord,
  listed: boolean,
  operation: Operation,
): Promise<boolean> {
  const key = archiveKeyOf(record);
  const { size, sha256 } = record.archive;
  operation.listener({ type: "phase", phase: "Copying", job: record.job });
  const progress = (bytes: number) =>
    operation.listener({ type: "progress", bytes, total: size, stored: bytes });
  const there = await to.stat(key);
  if (there !== null) {
    // One without a record is what a copy that broke off left, or it is foreign.
    const same = there.size === size &&
      (listed || await measure(await to.get(key, undefined, operation.signal), progress) === sha256);
    if (!same) throw occupied(to, key, record);
    return false;
  }
  const source = await from.stat(key);
  if (source?.size !== size) throw damagedArchive(from, record, source?.size);
  let damage: VaultraError | undefined;
  const body = measured(await from.get(key, undefined, operation.signal), progress, (bytes, hash) => {
    if (bytes === size && hash === sha256) return;
    // Thrown while the store still takes bytes: what is damaged never becomes an object.
    throw damage = damagedArchive(from, record, bytes);
  });
  const put = to.put(key, abortable(body, operation.signal), { ifAbsent: true, signal: operation.signal });
  const info = await put.catch((error) => {
    throw damage ?? error;
  });
  if (info.size === size) return true;
  await to.remove(key, to.capabilities.conditionalPut ? { ifMatch: info.etag } : {});
  throw new VaultraError(
    "store.incomplete",
    `${to.displayName} holds ${info.size} bytes of "${key}", but ${size} were sent`,
    { hint: "Nothing was recorded. Check the store, then copy again." },
  );
}

/** The same bytes; at their end `check` is told how many they were, and their SHA-256 in hex. */
async function* measured(
  stream: ByteStream,
  progress: (bytes: number) => void,
  check: (bytes: number, sha256: string) => void,
): ByteStream {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const block of stream) {
    hash.update(block);
    bytes += block.length;
    progress(bytes);
    yield block;
  }
  check(bytes, hash.digest("hex"));
}

/** The SHA-256 of a stream, in hex. */
async function measure(stream: ByteStream, progress: (bytes: number) => void): Promise<string> {
  let sha256 = "";
  for await (const _ of measured(stream, progress, (_bytes, hash) => void (sha256 = hash)));
  return sha256;
}

/**
 * Copies the key headers, until a look finds no new one: whoever rotates keys meanwhile puts a new header before the old ones
 * go.
 */
async function copyKeyHeaders(
  stores: CopyStores,
  { job, id }: BackupRecord,
  signal: AbortSignal,
): Promise<void> {
  const copied = new Set<string>();
  for (let before = -1; copied.size > before;) {
    before = copied.size;
    for await (const { key } of stores.from.list(keyHeadersPrefix(job, id))) {
      if (copied.has(key) || parseKey(key)?.kind !== "key-header") continue;
      await copySmall(stores, key, signal);
      copied.add(key);
    }
  }
}

/** Copies a small object, if there is one. */
async function copySmall({ from, to }: CopyStores, key: string, signal: AbortSignal): Promise<void> {
  const bytes = await readIfThere(from, key, MAX_SMALL_BYTES, "damaged.object");
  if (bytes !== undefined) await putSame(to, key, bytes, signal);
}

/**
 * Whether a store holds these very bytes; `false` when it holds none under that key.
 * @throws {VaultraError} `store.exists` when it holds others
 */
async function holds(store: ObjectStore, key: string, bytes: Bytes): Promise<boolean> {
  const there = await readIfThere(store, key, MAX_SMALL_BYTES, "damaged.object");
  if (there === undefined) return false;
  if (sha256Of([there]) === sha256Of([bytes])) return true;
  throw new VaultraError("store.exists", `There is another object under "${key}" in ${store.displayName}`, {
    hint: "Two backups of one name exist. Look at both, and delete the wrong one from its store first.",
  });
}

/** Puts an object; that the same bytes are there already is as good. */
async function putSame(store: ObjectStore, key: string, bytes: Bytes, signal: AbortSignal): Promise<void> {
  try {
    // The store may keep the block's memory.
    await store.put(key, once(bytes.slice()), { ifAbsent: true, signal });
  } catch (error) {
    if (toVaultraError(error).code !== "store.exists" || !await holds(store, key, bytes)) throw error;
  }
}

/** @param bytes How many it has; `undefined` when it is gone. */
function damagedArchive(
  store: ObjectStore,
  { job, id, archive }: BackupRecord,
  bytes: number | undefined,
): VaultraError {
  const message = bytes === undefined
    ? `The archive of "${job}/${id}" is gone from ${store.displayName}`
    : bytes === archive.size
    ? `The archive of "${job}/${id}" in ${store.displayName} does not match the SHA-256 of its record`
    : `The archive of "${job}/${id}" in ${store.displayName} holds ${bytes} bytes, its record says ${archive.size}`;
  return new VaultraError("damaged.archive", message, { hint: `Nothing was copied. ${OTHER_BACKUP}` });
}

function occupied(store: ObjectStore, key: string, { job, id }: BackupRecord): VaultraError {
  return new VaultraError(
    "store.exists",
    `There is an object under "${key}" in ${store.displayName} that is not this backup's archive`,
    {
      hint:
        `If nobody needs it, remove it with vaultra delete ${job}/${id} from that store, then copy again.`,
    },
  );
}
