/**
 * Pins: a backup that is pinned is not deleted.
 *
 * @module
 */
import { markKey, type Named, recordKey } from "./catalog/keys.ts";
import { type Mark, PINNED, putMark, readMark } from "./catalog/marks.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import type { Operation } from "./operation.ts";
import type { ObjectStore } from "./store.ts";

/** The longest reason, characters. */
const MAX_REASON = 1000;

/** A pin that holds. */
export interface Pinning {
  /** Since when, and why. */
  readonly mark: Mark;
  /** Whether it was pinned before: its reason then stays as it was. */
  readonly already: boolean;
}

/**
 * Pins a backup. No lock is taken, so that a backup can be pinned while its job runs: a delete looks for pins once more
 * after it removed the record, and a pin holds only if the record is still there after it was written.
 *
 * @throws {VaultraError} `usage.reason`; `no-backup.deleted` when it was deleted meanwhile; what the store throws
 */
export async function pin(
  store: ObjectStore,
  backup: Named,
  reason: string | undefined,
  operation: Operation,
): Promise<Pinning> {
  const { job, id } = backup;
  if (reason !== undefined && reason.length > MAX_REASON) {
    throw new VaultraError("usage.reason", `The reason is longer than ${MAX_REASON} characters`, {
      hint: "Say it in a sentence, and name where the rest is written.",
    });
  }
  const pinned = await readMark(store, backup, PINNED, operation.listener);
  if (pinned !== undefined) return { mark: pinned, already: true };
  const document = {
    time: operation.surroundings.now().toISOString(),
    ...(reason === undefined ? {} : { reason }),
  };
  try {
    await putMark(store, backup, PINNED, document);
  } catch (error) {
    // Somebody else pinned it in this moment, or only the answer to our own put was lost.
    if (toVaultraError(error).code === "store.exists") return await pin(store, backup, reason, operation);
    throw error;
  }
  if (await store.stat(recordKey(job, id)) === null) {
    await store.remove(markKey(job, id, PINNED));
    throw new VaultraError("no-backup.deleted", `The backup "${job}/${id}" was deleted meanwhile`, {
      hint: "Pin another one: vaultra list backups shows them.",
    });
  }
  return { mark: { job, id, name: PINNED, ...document }, already: false };
}

/**
 * Takes a backup's pin away.
 * @returns The pin that held, or `undefined` when there was none.
 */
export async function unpin(
  store: ObjectStore,
  backup: Named,
  operation: Operation,
): Promise<Mark | undefined> {
  const mark = await readMark(store, backup, PINNED, operation.listener);
  if (mark !== undefined) await store.remove(markKey(backup.job, backup.id, PINNED));
  return mark;
}
