/**
 * Deleting backups: nothing that is pinned, and nothing that another backup builds on.
 *
 * The record goes first, so that a delete that breaks off leaves at worst an archive that is not listed any more. Deleting
 * the same backup again removes what is left.
 *
 * @module
 */
import { Catalog } from "./catalog/catalog.ts";
import { type Named, recordKey } from "./catalog/keys.ts";
import { forgetBackup } from "./catalog/seen.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob, type LockOwner } from "./lock.ts";
import type { Operation } from "./operation.ts";
import {
  type DeletePlan,
  isPinned,
  planDelete,
  refusePinned,
  type StoredBackup,
  storedBackup,
} from "./plan_delete.ts";
import type { ObjectStore } from "./store.ts";
import { abortError } from "./streams/abortable.ts";
import { once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

/** How backups are deleted. */
export interface DeleteOptions {
  readonly owner: Pick<LockOwner, "host" | "pid">;
  /** What was shown before: a rest that was to be removed may have become a whole backup since, when its run ended. */
  readonly shown?: DeletePlan;
  /** Told of each backup once nothing of it is left. */
  readonly deleted?: (backup: StoredBackup) => void;
}

/**
 * Deletes backups of a job, under the job's lock, where everything is checked again.
 * @param ids Whole ids.
 * @throws {VaultraError} `locked.*`, of which `locked.changed` when one is listed that was shown as a rest; what
 * {@linkcode planDelete} throws, and what the store throws
 */
export async function deleteBackups(
  store: ObjectStore,
  job: string,
  ids: readonly string[],
  { owner, shown, deleted }: DeleteOptions,
  operation: Operation,
): Promise<DeletePlan> {
  await using lock = await lockJob(store, job, { ...owner, command: "delete" }, operation);
  const signal = AbortSignal.any([operation.signal, lock.signal]);
  operation.listener({ type: "phase", phase: "Deleting", job });
  const plan = await planDelete(store, job, ids, operation);
  for (const backup of plan.backups) refuseListed(backup, shown);
  for (const backup of plan.backups) {
    await removeBackup(store, backup, { ...operation, signal });
    deleted?.(backup);
  }
  return plan;
}

async function removeBackup(store: ObjectStore, backup: StoredBackup, operation: Operation): Promise<void> {
  const { job, id, listed } = backup;
  const record = listed ? await recordToPutBack(store, backup, operation) : undefined;
  if (operation.signal.aborted) throw abortError(operation.signal);
  if (listed) await store.remove(recordKey(job, id));
  try {
    const rest = await storedBackup(store, backup);
    await keepIfPinned(store, rest, record);
    await forgetBackup(store, backup, operation);
    for (const { key } of rest.objects) {
      if (operation.signal.aborted) throw abortError(operation.signal);
      await store.remove(key);
    }
  } catch (thrown) {
    const error = toVaultraError(thrown);
    if (error.code === "retention.pinned") throw error;
    throw new VaultraError(error.code, `The backup "${job}/${id}" was not removed whole: ${error.message}`, {
      hint: `It is listed no more. Remove the rest when the cause is mended: vaultra delete ${job}/${id}`,
      cause: error,
    });
  }
}

/** The record's bytes, unless it is so damaged that nobody can want it back. */
async function recordToPutBack(
  store: ObjectStore,
  backup: Named,
  operation: Operation,
): Promise<Bytes | undefined> {
  try {
    return await new Catalog(store, operation.listener).bytes(backup);
  } catch (error) {
    if (toVaultraError(error).family === "damaged") return undefined;
    throw error;
  }
}

/** Gives a backup its record back when somebody pinned it before they could see that it was being deleted. */
async function keepIfPinned(
  store: ObjectStore,
  rest: StoredBackup,
  record: Bytes | undefined,
): Promise<void> {
  if (!isPinned(rest)) return;
  if (record !== undefined) await putBack(store, rest, record);
  refusePinned(rest);
}

async function putBack(store: ObjectStore, { job, id }: Named, record: Bytes): Promise<void> {
  try {
    await store.put(recordKey(job, id), once(record), { ifAbsent: true });
  } catch (error) {
    const { message } = toVaultraError(error);
    throw new VaultraError(
      "retention.pinned",
      `The backup "${job}/${id}" was pinned while it was deleted, and its record could not be put back: ${message}`,
      {
        hint:
          "Its archive is whole: copy the backup here again from another store, or restore the archive by its address.",
        cause: error,
      },
    );
  }
}

function refuseListed({ job, id, listed }: StoredBackup, shown: DeletePlan | undefined): void {
  const before = shown?.backups.find((each) => each.id === id);
  if (!listed || before === undefined || before.listed) return;
  throw new VaultraError(
    "locked.changed",
    `The backup "${job}/${id}" became whole meanwhile: its run ended`,
    {
      hint: "Nothing was deleted. If it is not wanted all the same, delete it again.",
    },
  );
}
