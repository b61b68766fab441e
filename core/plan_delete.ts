/**
 * What a delete would remove, and whether it may.
 *
 * @module
 */
import { Catalog } from "./catalog/catalog.ts";
import {
  jobPrefix,
  keyHeadersPrefix,
  marksPrefix,
  type Named,
  type ParsedKey,
  parseKey,
} from "./catalog/keys.ts";
import { PINNED } from "./catalog/marks.ts";
import { VaultraError } from "./errors.ts";
import type { Operation } from "./operation.ts";
import type { ObjectInfo, ObjectStore } from "./store.ts";

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

/** Everything of one backup, by three listings of its own prefixes. */
export async function storedBackup(store: ObjectStore, { job, id }: Named): Promise<StoredBackup> {
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

/** Whether a mark keeps it, as its objects tell. */
export function isPinned({ objects }: StoredBackup): boolean {
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

/**
 * Refuses to delete what is pinned.
 * @throws {VaultraError} `retention.pinned`
 */
export function refusePinned(backup: StoredBackup): void {
  if (!isPinned(backup)) return;
  const { job, id } = backup;
  throw new VaultraError("retention.pinned", `The backup "${job}/${id}" is pinned`, {
    hint: `Nothing of it was deleted. vaultra show ${id} tells why; vaultra unpin ${id} takes the pin away.`,
  });
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
