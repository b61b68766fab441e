/**
 * Removing a job's lock by hand, when its holder is dead.
 *
 * @module
 */
import { lockKey } from "./catalog/keys.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import type { Surroundings } from "./events.ts";
import { LOCK_EXPIRY_MS, type LockOwner, readLock, silence } from "./lock.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";

/** How often a lock that is renewed under our hands is looked at again. */
const ATTEMPTS = 5;

/** A lock, as it was found. */
export interface HeldLock {
  readonly job: string;
  /** Who took it, and when by the owner's clock; absent when the lock can't be read. */
  readonly owner?: LockOwner;
  readonly taken?: string;
  /** Tells holders apart; absent when the lock can't be read. */
  readonly token?: string;
  /** The last sign of life, RFC 3339 by the store's clock. */
  readonly renewed: string;
  /** Milliseconds since then. */
  readonly silent: number;
  /** Whether the holder is to be taken for dead: any run of the job would take the lock over. */
  readonly expired: boolean;
  /** The lock's object as it was looked at. */
  readonly etag: string;
}

/** The lock of a job; `undefined` when nobody holds it. */
export async function inspectLock(
  store: ObjectStore,
  job: string,
  surroundings: Surroundings,
): Promise<HeldLock | undefined> {
  const info = await store.stat(lockKey(job));
  return info === null ? undefined : await describe(store, job, info, surroundings);
}

async function describe(
  store: ObjectStore,
  job: string,
  info: ObjectInfo,
  surroundings: Surroundings,
): Promise<HeldLock> {
  const lock = await readLock(store, job);
  const silent = await silence(store, info, surroundings.randomHex(16));
  return {
    job,
    ...(lock === undefined ? {} : { owner: lock.owner, taken: lock.taken, token: lock.token }),
    renewed: info.modified,
    silent,
    expired: silent > (lock?.expiry ?? LOCK_EXPIRY_MS),
    etag: info.etag,
  };
}

/**
 * Removes a lock that was looked at, and none that somebody else took meanwhile. A holder that was taken for dead and
 * then gave a sign of life keeps its lock; one that was known to live loses it, and learns of that by its next renewal.
 *
 * @throws {VaultraError} `locked.changed`, and what the store throws.
 */
export async function removeLock(
  store: ObjectStore,
  held: HeldLock,
  surroundings: Surroundings,
): Promise<void> {
  const key = lockKey(held.job);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await inspectLock(store, held.job, surroundings);
    if (found === undefined) return;
    if (!isSame(found, held) || (held.expired && !found.expired)) break;
    try {
      return await store.remove(key, store.capabilities.conditionalPut ? { ifMatch: found.etag } : {});
    } catch (error) {
      if (toVaultraError(error).code !== "store.changed") throw error;
    }
  }
  throw new VaultraError(
    "locked.changed",
    `The lock of job "${held.job}" changed while it was looked at, and was left alone`,
    { hint: `Its holder is alive, or another run took it. Look again: vaultra unlock ${held.job}` },
  );
}

/** Whether both are of one holder. */
function isSame(one: HeldLock, other: HeldLock): boolean {
  return one.token === undefined ? one.etag === other.etag : one.token === other.token;
}
