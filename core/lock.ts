import { z } from "zod";
import { parseJson } from "./archive/bounded_json.ts";
import { clockKey, lockKey } from "./catalog/keys.ts";
import { readIfThere } from "./catalog/read_small.ts";
import { documentBytes } from "./catalog/record.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import type { Listener, Surroundings } from "./events.ts";
import type { Operation } from "./operation.ts";
import type { ObjectInfo, ObjectStore, PutOptions } from "./store.ts";
import { abortError } from "./streams/abortable.ts";
import { once } from "./streams/blocks.ts";

const MAX_LOCK_BYTES = 64 << 10;
/** How long a holder may give no sign of life before its lock may be taken over, unless the lock says otherwise. */
export const LOCK_EXPIRY_MS = 90_000;
/** How often a lock that changes under our hands is looked at again before giving up. */
const ATTEMPTS = 5;
/** How often a holder looks, between two signs of life, whether others may soon take its lock. */
const LOOKS = 6;
/** How long a store without conditional puts is given until both of two racing writers see who came last. */
const SETTLE_MS = 2_000;

/** Who holds a lock, as a person is told. */
export interface LockOwner {
  readonly host: string;
  readonly pid: number;
  readonly command: string;
}

const lockDocument = z.object({
  owner: z.object({ host: z.string().max(300), pid: z.number().int(), command: z.string().max(300) }),
  /** Tells holders apart, even those of one process. */
  token: z.string().max(100),
  taken: z.iso.datetime(),
  /** By the owner's clock: what a person is told. */
  expires: z.iso.datetime(),
  /** Milliseconds without a sign of life after which the lock may be taken over. */
  expiry: z.number().int().min(0).max(86_400_000),
});
/** What a lock says. */
export type LockDocument = z.infer<typeof lockDocument>;

/** How a lock is taken. */
export interface LockOptions extends Surroundings {
  readonly owner: LockOwner;
  readonly signal: AbortSignal;
  /** Is told when the lock could not be released. */
  readonly listener?: Listener;
  /** Milliseconds without a sign of life after which others may take the lock over; default 90,000. */
  readonly expiry?: number;
  /** Milliseconds between two signs of life; default 30,000. */
  readonly heartbeat?: number;
  /** Milliseconds that a store without conditional puts is given to settle; default 2,000. */
  readonly settle?: number;
}

/** Takes the lock of a job for an operation, as {@linkcode acquireLock} does. */
export async function lockJob(
  store: ObjectStore,
  job: string,
  owner: LockOwner,
  { surroundings, signal, listener }: Operation,
): Promise<Lock> {
  const { now, randomHex } = surroundings;
  return await acquireLock(store, job, { owner, now, randomHex, signal, listener });
}

/** A held lock. Disposing of it releases it. */
export interface Lock extends AsyncDisposable {
  /** Aborted with `locked.lost` when somebody else took the lock or it could not be renewed in time. */
  readonly signal: AbortSignal;
}

/**
 * Takes the lock of a job, so that no two runs of it write at once. Somebody else's lock is taken over only
 * when its holder gave no sign of life for the lock's whole expiry, by the store's own clock.
 *
 * @throws {VaultraError} `locked.job`, which names the holder; what the store throws.
 */
export async function acquireLock(store: ObjectStore, job: string, options: LockOptions): Promise<Lock> {
  const lease = new Lease(store, job, options);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (options.signal.aborted) throw abortError(options.signal);
    const held = await store.stat(lease.key);
    if (held && !await lease.isExpired(held)) break;
    if (await lease.take(held)) return lease;
  }
  throw await lockedError(store, job);
}

class Lease implements Lock {
  readonly key: string;
  readonly #store: ObjectStore;
  readonly #job: string;
  readonly #options: LockOptions;
  readonly #token: string;
  readonly #expiry: number;
  readonly #heartbeat: number;
  readonly #lost = new AbortController();
  #taken = "";
  #etag = "";
  #renewed = 0;
  #timers: readonly ReturnType<typeof setInterval>[] = [];
  /** Why the last renewal failed. */
  #failure: unknown;
  /** The renewal under way. */
  #renewal: Promise<void> | undefined;

  constructor(store: ObjectStore, job: string, options: LockOptions) {
    this.key = lockKey(job);
    this.#store = store;
    this.#job = job;
    this.#options = options;
    this.#token = options.randomHex(16);
    this.#expiry = options.expiry ?? LOCK_EXPIRY_MS;
    this.#heartbeat = options.heartbeat ?? 30_000;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether a lock's holder is to be taken for dead. */
  async isExpired(held: ObjectInfo): Promise<boolean> {
    const expiry = (await readLock(this.#store, this.#job))?.expiry ?? this.#expiry;
    return await silence(this.#store, held, this.#token) > expiry;
  }

  /**
   * Takes the lock when nobody has it, or when it is still the expired one.
   * @returns Whether it is ours.
   */
  async take(expired: ObjectInfo | null): Promise<boolean> {
    const now = this.#options.now();
    this.#taken = now.toISOString();
    this.#renewed = now.getTime();
    const conditional = this.#store.capabilities.conditionalPut;
    try {
      await this.#put(!conditional ? {} : expired ? { ifMatch: expired.etag } : { ifAbsent: true });
    } catch (error) {
      const { code } = toVaultraError(error);
      if (code !== "store.exists" && code !== "store.changed") throw error;
      if (!await this.#adopt()) return false;
    }
    if (!conditional) {
      await new Promise((resolve) => setTimeout(resolve, this.#options.settle ?? SETTLE_MS));
      if (!await this.#isOurs()) return false;
    }
    this.#timers = [
      setInterval(() => this.#beat(), this.#heartbeat),
      setInterval(() => this.#look(), this.#heartbeat / LOOKS),
    ];
    return true;
  }

  async #put(condition: PutOptions): Promise<void> {
    const now = this.#options.now();
    const document: LockDocument = {
      owner: this.#options.owner,
      token: this.#token,
      taken: this.#taken,
      expires: new Date(now.getTime() + this.#expiry).toISOString(),
      expiry: this.#expiry,
    };
    const { etag } = await this.#store.put(this.key, once(documentBytes(document)), condition);
    this.#etag = etag;
    this.#renewed = now.getTime();
  }

  async #isOurs(): Promise<boolean> {
    return (await readLock(this.#store, this.#job))?.token === this.#token;
  }

  /**
   * Whether the lock is ours all the same, because only the answer to an earlier put was lost; its etag, which
   * is new to us, is then known.
   */
  async #adopt(): Promise<boolean> {
    const info = await this.#store.stat(this.key);
    if (!info || !await this.#isOurs()) return false;
    this.#etag = info.etag;
    return true;
  }

  /** Gives a sign of life, unless the last one is still under way. */
  #beat(): void {
    this.#renewal ??= this.#renew()
      .then(() => this.#failure = undefined, (error) => this.#failure = error)
      .finally(() => this.#renewal = undefined);
  }

  /**
   * Gives the lock up before it expires, since there must be no moment at which two believe that they have it; until then a
   * sign of life that failed is tried again.
   */
  #look(): void {
    const silent = this.#options.now().getTime() - this.#renewed;
    if (silent >= this.#expiry - 2 * this.#heartbeat / LOOKS) {
      this.#lose("the store could not be reached to renew it", this.#failure);
    } else if (this.#failure !== undefined) this.#beat();
  }

  async #renew(): Promise<void> {
    if (!this.#store.capabilities.conditionalPut) {
      return await this.#isOurs() ? await this.#put({}) : this.#lose("somebody else took it");
    }
    try {
      await this.#put({ ifMatch: this.#etag });
    } catch (error) {
      if (toVaultraError(error).code !== "store.changed") throw error;
      if (!await this.#adopt()) return this.#lose("somebody else took it", error);
      await this.#put({ ifMatch: this.#etag });
    }
  }

  #lose(why: string, cause?: unknown): void {
    this.#timers.forEach(clearInterval);
    this.#lost.abort(
      new VaultraError("locked.lost", `The lock of job "${this.#job}" was lost: ${why}`, {
        hint:
          "Nothing was recorded; see that only one run of the job is started at a time, and run it again.",
        cause,
      }),
    );
  }

  /** Releases the lock; what fails then is a warning, because the lock expires by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.forEach(clearInterval);
    if (this.signal.aborted) return;
    await this.#renewal;
    try {
      if (!await this.#isOurs()) return;
      const conditional = this.#store.capabilities.conditionalPut;
      await this.#store.remove(this.key, conditional ? { ifMatch: this.#etag } : {});
    } catch (error) {
      this.#options.listener?.({
        type: "warning",
        code: "locked.not-released",
        message: `The lock of job "${this.#job}" could not be released: ${toVaultraError(error).message}`,
        hint: `It expires by itself after ${this.#expiry / 1000} s.`,
      });
    }
  }
}

/**
 * Milliseconds since a lock's last sign of life. The store's clock tells: ours may go wrong.
 * @param token Names the object by which the store is asked for its time: random, 100 characters at most.
 */
export async function silence(store: ObjectStore, held: ObjectInfo, token: string): Promise<number> {
  const key = clockKey(token);
  const { modified } = await store.put(key, once(new Uint8Array(1)));
  await store.remove(key);
  return Date.parse(modified) - Date.parse(held.modified);
}

/** What a lock says of its holder; `undefined` when there is no lock or its document is damaged. */
export async function readLock(store: ObjectStore, job: string): Promise<LockDocument | undefined> {
  const key = lockKey(job);
  try {
    const bytes = await readIfThere(store, key, MAX_LOCK_BYTES, "damaged.lock");
    if (bytes === undefined) return undefined;
    const what = `The lock "${key}"`;
    return lockDocument.safeParse(parseJson(bytes, { what, code: "damaged.lock", maxBytes: MAX_LOCK_BYTES }))
      .data;
  } catch (error) {
    if (toVaultraError(error).code === "damaged.lock") return undefined;
    throw error;
  }
}

async function lockedError(store: ObjectStore, job: string): Promise<VaultraError> {
  const lock = await readLock(store, job);
  const message = lock
    ? `Another run holds the lock of job "${job}": ${lock.owner.command} on ${lock.owner.host} ` +
      `(process ${lock.owner.pid}) since ${lock.taken}`
    : `Another run holds the lock of job "${job}"`;
  const command = `vaultra unlock ${job}`;
  return new VaultraError("locked.job", message, {
    hint: lock
      ? `Wait until it ends. Should it be dead, the lock is free after ${lock.expires}, or at once by: ${command}`
      : `Wait until it ends. Should it be dead: ${command}`,
    ...(lock ? { details: { ...lock.owner, taken: lock.taken, expires: lock.expires } } : {}),
  });
}
