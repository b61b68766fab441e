/**
 * Deleting backups: nothing that is pinned, and nothing that another backup builds on.
 *
 * The record goes first, so that a delete that breaks off leaves at worst an archive that is not listed any more. Deleting
 * the same backup again removes what is left.
 *
 * @module
 */
import { Catalog } from "./catalog/catalog.ts";
import {
  jobPrefix,
  keyHeadersPrefix,
  marksPrefix,
  type ParsedKey,
  parseKey,
  recordKey,
} from "./catalog/keys.ts";
import { type Named, PINNED } from "./catalog/marks.ts";
import { forgetBackup } from "./catalog/seen.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob, type LockOwner } from "./lock.ts";
import type { Operation } from "./operation.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";
import { abortError } from "./streams/abortable.ts";
import { once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

/** The kinds of a backup's objects, in the order in which they are removed. */
const kinds = ["record", "signature", "archive", "key-header", "mark"] as const;

/** What a store holds of a backup. */
export interface StoredBackup extends Named {
  /** Its objects in the order in which they are removed. */
  readonly objects: readonly ObjectInfo[];
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Whether it has a record; otherwise it is what a run or a delete that broke off left. */
  readonly listed: boolean;
}

/** What a delete removes of one job. */
export interface DeletePlan {
  readonly job: string;
  /** Each one before what it builds on. */
  readonly backups: readonly StoredBackup[];
  /** Bytes that become free. */
  readonly bytes: number;
  /** Whether the job then has no backup left in this store. */
  readonly last: boolean;
}

/** The backups of which a store holds anything, the record or only a rest, and whose id begins so; sorted. */
export async function findStored(store: ObjectStore, beginning: string, job?: string): Promise<Named[]> {
  const found = new Map<string, Named>();
  for await (const { key } of store.list(job === undefined ? "" : jobPrefix(job))) {
    const parsed = parseKey(key);
    if (parsed === undefined || !isOfBackup(parsed) || !parsed.id.startsWith(beginning)) continue;
    found.set(`${parsed.job}/${parsed.id}`, { job: parsed.job, id: parsed.id });
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, named]) => named);
}

/**
 * What a delete of these backups of a job would remove.
 * @param ids Whole ids.
 * @throws {VaultraError} `no-backup.unknown`; `retention.pinned`, `retention.has-children`: nothing may be deleted then
 */
export async function planDelete(
  store: ObjectStore,
  job: string,
  ids: readonly string[],
  operation: Operation,
): Promise<DeletePlan> {
  const chosen = new Map<string, StoredBackup>();
  for (const id of ids) {
    const stored = await storedBackup(store, { job, id });
    if (stored.objects.length === 0) throw unknownBackup(stored);
    refusePinned(stored);
    chosen.set(id, stored);
  }
  const children = await new Catalog(store, operation.listener).children(job);
  for (const id of chosen.keys()) refuseNeeded(job, id, children, chosen);
  const backups = childrenFirst(chosen, children);
  return {
    job,
    backups,
    bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
    last: backups.some(({ listed }) => listed) && await isLast(store, job, chosen),
  };
}

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

/** Everything of one backup, by three listings of its own prefixes. */
async function storedBackup(store: ObjectStore, { job, id }: Named): Promise<StoredBackup> {
  const found: { kind: typeof kinds[number]; info: ObjectInfo }[] = [];
  for (const prefix of [`${jobPrefix(job)}${id}.`, keyHeadersPrefix(job, id), marksPrefix(job, id)]) {
    for await (const info of store.list(prefix)) {
      const parsed = parseKey(info.key);
      if (parsed !== undefined && isOfBackup(parsed)) found.push({ kind: parsed.kind, info });
    }
  }
  found.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  return {
    job,
    id,
    objects: found.map(({ info }) => info),
    bytes: found.reduce((sum, { info }) => sum + info.size, 0),
    listed: found.some(({ kind }) => kind === "record"),
  };
}

function isOfBackup(key: ParsedKey): key is Extract<ParsedKey, { readonly kind: typeof kinds[number] }> {
  return (kinds as readonly string[]).includes(key.kind);
}

function isPinned({ objects }: StoredBackup): boolean {
  return objects.some(({ key }) => {
    const parsed = parseKey(key);
    return parsed?.kind === "mark" && parsed.mark === PINNED;
  });
}

/** Whether a job keeps no backup but the chosen ones. */
async function isLast(
  store: ObjectStore,
  job: string,
  chosen: ReadonlyMap<string, unknown>,
): Promise<boolean> {
  for await (const { key } of store.list(jobPrefix(job))) {
    const parsed = parseKey(key);
    if (parsed?.kind === "record" && !chosen.has(parsed.id)) return false;
  }
  return true;
}

function childrenFirst(
  chosen: ReadonlyMap<string, StoredBackup>,
  children: ReadonlyMap<string, readonly string[]>,
): StoredBackup[] {
  const ordered = new Map<string, StoredBackup>();
  const visiting = new Set<string>();
  const visit = (id: string) => {
    const backup = chosen.get(id);
    // Records are not to be trusted: they might name each other as parents.
    if (backup === undefined || visiting.has(id)) return;
    visiting.add(id);
    for (const child of children.get(id) ?? []) visit(child);
    ordered.set(id, backup);
  };
  for (const id of chosen.keys()) visit(id);
  return [...ordered.values()];
}

function refusePinned(backup: StoredBackup): void {
  if (!isPinned(backup)) return;
  const { job, id } = backup;
  throw new VaultraError("retention.pinned", `The backup "${job}/${id}" is pinned`, {
    hint: `Nothing of it was deleted. vaultra show ${id} tells why; vaultra unpin ${id} takes the pin away.`,
  });
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

function refuseNeeded(
  job: string,
  id: string,
  children: ReadonlyMap<string, readonly string[]>,
  chosen: ReadonlyMap<string, unknown>,
): void {
  const needing = (children.get(id) ?? []).filter((child) => !chosen.has(child));
  if (needing.length === 0) return;
  const shown = needing.slice(0, 5).join(", ") + (needing.length > 5 ? ", …" : "");
  throw new VaultraError("retention.has-children", `The backup "${job}/${id}" is needed by ${shown}`, {
    hint: "Nothing was deleted. Name those too, or keep this one until they are gone.",
  });
}

function unknownBackup({ job, id }: Named): VaultraError {
  return new VaultraError("no-backup.unknown", `There is nothing of a backup "${job}/${id}" in the store`, {
    hint: "It may have been deleted already: vaultra list backups shows what is there.",
  });
}
