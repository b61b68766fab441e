/**
 * Finds the backups that people name, in all the stores that may hold a copy.
 *
 * @module
 */
import type { BackupRecord } from "../core/archive/format.ts";
import { archiveKeyOf } from "../core/catalog/keys.ts";
import { checkSeen } from "../core/catalog/seen.ts";
import type { ConfiguredStore } from "../core/config/job.ts";
import { toVaultraError, VaultraError } from "../core/errors.ts";
import type { BackupLocation } from "../core/open_backup.ts";
import type { ObjectStore } from "../core/store.ts";
import type { Workspace } from "./workspace.ts";

/** A backup and the open store that holds it. */
export interface FoundBackup extends BackupLocation {
  readonly store: ObjectStore;
  readonly record: BackupRecord;
  readonly configured: ConfiguredStore;
}

/** A copy of a backup, and the store that holds it. */
export type FoundCopy = Pick<FoundBackup, "record" | "configured">;

/** Where a backup is looked for. */
interface Whereabouts {
  /** The one store that is looked into; absent: all. */
  readonly store?: string | undefined;
  /** The one job whose backup is meant; absent: any. */
  readonly job?: string | undefined;
  /** The name of a store that is looked into after all others. */
  readonly last?: string | undefined;
}

/** What a store is opened for: `backup` when it will be written. */
type Purpose = "inspect" | "backup";

/** Is told why a store can't tell whether it holds a backup. */
type OnFailed = (error: VaultraError, store: string) => void;

/**
 * The one backup that a person named, in whichever store holds it. The store is the caller's to close. A store that is out
 * of reach or whose copy is damaged hides no other's: it is passed over with a warning.
 * @param options The copy in the store named `last` is taken only if no other store has one.
 * @param purpose `backup`: the store will be written, and when several have a copy of the backup, which one must be said.
 * @throws {VaultraError} `no-backup.*`, `usage.ambiguous-backup`; what a store fails with when no other has the backup
 */
export async function findBackup(
  workspace: Workspace,
  name: string,
  options: Whereabouts,
  purpose: Purpose = "inspect",
): Promise<FoundBackup> {
  const failures: { readonly store: string; readonly error: VaultraError }[] = [];
  const failed: OnFailed = (error, store) => failures.push({ store, error });
  const found: FoundBackup[] = [];
  try {
    for await (const each of lookInto(workspace, name, options, purpose, failed)) found.push(each);
    if (found.length === 0) throw failures[0]!.error;
    const chosen = chosenOf(name, found);
    for (const { store, error } of failures) tellPassedOver(workspace, store, error, name, chosen);
    if (purpose === "backup") {
      const copies = found.filter(({ record }) => record.id === chosen.record.id);
      refuseCopies(chosen.record, copies.map(({ configured }) => configured.name));
    }
    found.splice(found.indexOf(chosen), 1);
    return chosen;
  } finally {
    for (const { store } of found) await store[Symbol.asyncDispose]();
  }
}

/**
 * The backup that a person named, in every store that holds a copy of it.
 * @param failed Is told why a store can't tell whether it holds one; the others are looked into all the same.
 * @throws {VaultraError} `no-backup.*` when no store holds it, `usage.ambiguous-backup`
 */
export async function findCopies(
  workspace: Workspace,
  name: string,
  options: Whereabouts,
  failed: OnFailed,
): Promise<FoundCopy[]> {
  const found: FoundCopy[] = [];
  for await (const { store, record, configured } of lookInto(workspace, name, options, "inspect", failed)) {
    await store[Symbol.asyncDispose]();
    found.push({ record, configured });
  }
  if (found.length === 0) return [];
  const { job, id } = chosenOf(name, found).record;
  return found.filter(({ record }) => record.job === job && record.id === id);
}

/**
 * Refuses to choose among stores that all have a backup which is to be changed in one of them.
 * @throws {VaultraError} `usage.ambiguous-backup`
 */
export function refuseCopies(
  { job, id }: { readonly job: string; readonly id: string },
  stores: readonly string[],
): void {
  if (stores.length < 2) return;
  throw new VaultraError(
    "usage.ambiguous-backup",
    `The backup "${job}/${id}" is in several stores: ${stores.join(", ")}`,
    {
      hint: "Say in which one with --store.",
    },
  );
}

/**
 * Looks into one store after the other, and yields what a name means in each that has it, still open: it is the caller's to close.
 * @throws {VaultraError} `no-backup.*` when none has it and none failed, `usage.*`
 */
async function* lookInto(
  workspace: Workspace,
  name: string,
  { store: address, job, last }: Whereabouts,
  purpose: Purpose,
  failed: OnFailed,
): AsyncGenerator<FoundBackup> {
  const operation = workspace.operation();
  const query = job === undefined ? {} : { job };
  const missing: VaultraError[] = [];
  const stores = await workspace.stores(address);
  const isLast = ({ name }: ConfiguredStore) => Number(name === last);
  for (const configured of stores.toSorted((a, b) => isLast(a) - isLast(b))) {
    let store: ObjectStore | undefined;
    let record: BackupRecord;
    try {
      store = await workspace.openStore(configured, purpose);
      record = await workspace.catalog(store).find(name, query);
      if (name === "latest") await checkSeen(store, record.job, operation);
    } catch (thrown) {
      await store?.[Symbol.asyncDispose]();
      operation.signal.throwIfAborted();
      const error = toVaultraError(thrown);
      if (error.family === "usage") throw error;
      if (error.family === "no-backup") missing.push(error);
      else failed(error, configured.name);
      continue;
    }
    yield { store, key: archiveKeyOf(record), record, configured };
  }
  if (missing.length === stores.length) throw foundNowhere(missing[0]!, stores);
}

/**
 * The one that a name means of what each store found by it: the newest for `latest`, else the one that all of them are a
 * copy of.
 * @throws {VaultraError} `usage.ambiguous-backup`
 */
function chosenOf<Found extends Pick<FoundBackup, "record">>(
  name: string,
  found: readonly Found[],
): Found {
  const names = new Set(
    found.map(({ record }) => name === "latest" ? record.job : `${record.job} ${record.id}`),
  );
  if (names.size > 1) {
    throw new VaultraError(
      "usage.ambiguous-backup",
      `"${name}" names several backups: ${[...names].sort().join(", ")}`,
      {
        hint: "Say which with --job, with --store, or by its whole id.",
      },
    );
  }
  return found.reduce((newest, other) => other.record.id > newest.record.id ? other : newest);
}

/** That none of the stores holds a backup: what the first one's catalog said, with where it was looked for. */
function foundNowhere(missing: VaultraError, stores: readonly ConfiguredStore[]): VaultraError {
  const places = stores.map(({ name }) => name).join(", ");
  return new VaultraError(missing.code, `${missing.message} in ${places}`, {
    ...(missing.hint === undefined ? {} : { hint: missing.hint }),
    cause: missing,
  });
}

function tellPassedOver(
  workspace: Workspace,
  store: string,
  { code, message }: VaultraError,
  name: string,
  { record, configured }: FoundBackup,
): void {
  workspace.operation().listener({
    type: "warning",
    code,
    message: `The store "${store}" was passed over: ${message}`,
    hint: name === "latest"
      ? `It may hold a newer backup than ${record.id} in "${configured.name}", which is taken: name one by its id.`
      : `The copy in "${configured.name}" is taken.`,
  });
}
