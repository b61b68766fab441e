/**
 * What differs between two backups, object by object, by definitions, numbers of rows and proofs.
 *
 * @module
 */
import type { ArchiveHeader } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import type { Configured } from "./config/job.ts";
import type { SourceObject } from "./database.ts";
import { VaultraError } from "./errors.ts";
import { identicalObjects, type ObjectDiff, ObjectPairs } from "./object_diff.ts";
import { type BackupLocation, type OpenBackup, openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { restore, type RestoreOptions } from "./restore.ts";

/** Which backups are compared, and how. */
export interface DiffOptions {
  readonly first: BackupLocation;
  readonly second: BackupLocation;
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  /** Finds a database in whose place the adapter may work; nothing is left of it. */
  readonly target: (engine: string) => Promise<Configured>;
}

/** How two backups differ. */
export interface Diff {
  readonly first: ArchiveHeader;
  readonly second: ArchiveHeader;
  readonly objects: readonly ObjectDiff[];
  /** Objects by their status. */
  readonly totals: Readonly<Record<ObjectDiff["status"], number>>;
}

/**
 * Compares two backups of the same engine. Equal proofs of all that they hold end it at once; else definitions are read,
 * and rows only of those objects whose manifests can't tell.
 * @throws {VaultraError} `usage.other-engine`, `usage.no-such-object` when nothing was chosen, `usage.unsupported`;
 * `no-backup.archive`, `damaged.*`, `key.*`, `signature.*`
 */
export async function diff(options: DiffOptions, operation: Operation): Promise<Diff> {
  await using pool = FramePool.open(operation);
  operation.listener({ type: "phase", phase: "Opening the backups" });
  const first = await openBackup(options.first, pool, operation);
  const second = await openBackup(options.second, pool, operation);
  const [one, other] = [first.archive, second.archive];
  if (one.header.engine !== other.header.engine) {
    throw new VaultraError(
      "usage.other-engine",
      `"${one.header.id}" is of ${one.header.engine}, but "${other.header.id}" of ${other.header.engine}`,
      { hint: "Compare two backups of the same kind of database." },
    );
  }
  const headers = { first: one.header, second: other.header };
  const isWhole = options.only.length + options.exclude.length === 0;
  const identical = isWhole ? identicalObjects(one.manifest, other.manifest) : undefined;
  if (identical !== undefined) return { ...headers, ...counted(identical) };

  const read = async (what: Pick<RestoreOptions, "schemaOnly" | "names">) => {
    const objects = async (backup: OpenBackup) => {
      const { report } = await restore({
        origin: { kind: "opened", backup },
        target: options.target,
        output: "proof",
        only: options.only,
        exclude: options.exclude,
        ...what,
      }, operation);
      return report?.objects ?? [];
    };
    return [await objects(first), await objects(second)] as const;
  };
  const defined = await read({ schemaOnly: true });
  refuseNothing(defined, options);
  const pairs = new ObjectPairs([one.manifest, other.manifest], defined);
  const names = pairs.unread();
  if (names.length > 0) pairs.compareRead(await read({ names }));
  return { ...headers, ...counted(pairs.diffs()) };
}

/** @throws {VaultraError} `usage.no-such-object` when patterns choose nothing of either backup */
function refuseNothing(
  [first, second]: readonly [readonly SourceObject[], readonly SourceObject[]],
  { only, exclude }: DiffOptions,
): void {
  if (first.length + second.length > 0 || only.length + exclude.length === 0) return;
  throw new VaultraError("usage.no-such-object", "Neither backup has an object that was chosen", {
    hint: "See what they hold with: vaultra show BACKUP --objects",
  });
}

function counted(objects: readonly ObjectDiff[]): Pick<Diff, "objects" | "totals"> {
  const totals = { identical: 0, different: 0, "only-first": 0, "only-second": 0, unknown: 0 };
  for (const { status } of objects) totals[status]++;
  return { objects, totals };
}
