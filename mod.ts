/**
 * Vaultra as a library: backs databases up, restores and verifies them, as the command line does. An operation is
 * given how plugins are opened, when to stop and who listens; it prints nothing and reads no environment by itself.
 * Backing up needs the permissions of the command line: `deno run -A --unstable-worker-options`.
 *
 * @example Back a database up into a folder, restore it beside itself, and see that both are the same
 * ```ts
 * import {
 *   adHocJob,
 *   archiveKeyOf,
 *   backup,
 *   builtin,
 *   eventLogger,
 *   type Operation,
 *   resolveDatabase,
 *   restore,
 *   Secrets,
 *   surroundings,
 *   WorkerHost,
 * } from "@vaultra/vaultra";
 *
 * export async function copyThroughBackup(database: string, folder: string, target: string): Promise<void> {
 *   const operation: Operation = {
 *     host: new WorkerHost(),
 *     signal: new AbortController().signal,
 *     listener: () => {},
 *     surroundings,
 *   };
 *   const context = { file: undefined, registry: builtin, environment: {}, secrets: new Secrets() };
 *   const job = await adHocJob(database, { to: folder }, context);
 *   const record = await backup(job, { host: "example", pid: Deno.pid }, operation);
 *
 *   const restoring = await resolveDatabase(target, context, "target");
 *   await using store = await operation.host.openStore(job.store.plugin, job.store.config, {
 *     purpose: "restore",
 *     signal: operation.signal,
 *     log: eventLogger(operation.listener, "store"),
 *   });
 *   await restore({
 *     origin: { kind: "backup", store, key: archiveKeyOf(record), record },
 *     target: () => Promise.resolve(restoring),
 *   }, operation);
 * }
 * ```
 *
 * @module
 */

// Operations.
export { backup, type BackupOwner, planBackup } from "./core/backup.ts";
export { restore, type RestoreOptions, type RestoreOrigin, type RestoreOutcome } from "./core/restore.ts";
export type { Comparison, KindComparison } from "./core/compare.ts";
export type { KindCount } from "./core/countable.ts";
export { markVerified, type Verification, verify, type VerifyLevel } from "./core/verify.ts";
export { salvage, type SalvageOrigin, type SalvageOutcome, type SalvageTarget } from "./core/salvage.ts";
export type { SalvageReport } from "./core/salvage_report.ts";
export { cat, type CatOptions, type RowForm } from "./core/cat.ts";
export { type Diff, diff, type DiffOptions } from "./core/diff.ts";
export type { Change, ObjectDiff } from "./core/object_diff.ts";
export { copy, type CopyStores } from "./core/copy.ts";
export { pin, type Pinning, unpin } from "./core/pin.ts";
export { deleteBackups, type DeleteOptions } from "./core/delete.ts";
export { type DeletePlan, planDelete } from "./core/plan_delete.ts";
export { type HeldLock, inspectLock, removeLock } from "./core/unlock.ts";
export { rotate, type Rotated, type RotateOptions } from "./core/rotate.ts";
export { eventLogger, type Keyring, type Operation } from "./core/operation.ts";
export {
  type Check,
  type Listener,
  type Surroundings,
  surroundings,
  type VaultraEvent,
} from "./core/events.ts";
export * from "./core/errors.ts";

// What is backed up, and where to.
export type { Configured, ConfiguredStore, Encryption, Job, JobLimits } from "./core/config/job.ts";
export { type ConfigFile, type ConfigSearch, loadConfig, parseConfig } from "./core/config/config_file.ts";
export {
  adHocJob,
  checkConfig,
  type JobFlags,
  type ResolveContext,
  resolveDatabase,
  resolveJob,
  resolveStore,
} from "./core/config/resolve.ts";
export { resolveKeyring } from "./core/config/keyring.ts";
export { resolveTrusted } from "./core/config/signing.ts";
export { Secrets } from "./core/config/secrets.ts";

// What is in a store, and in an archive.
export { Catalog, type CatalogQuery } from "./core/catalog/catalog.ts";
export { archiveKeyOf } from "./core/catalog/keys.ts";
export { listMarks, type Mark } from "./core/catalog/marks.ts";
export type { SeenBackup, SeenBackups } from "./core/catalog/seen.ts";
export { listRuns, type RunDocument } from "./core/catalog/runs.ts";
export { ArchiveReader, type ArchiveReaderOptions, type EntryFilter } from "./core/archive/reader.ts";
export { PipeReader, type PipeReaderOptions } from "./core/archive/pipe_reader.ts";
export { FramePool, type FramePoolOptions } from "./core/archive/frame_pool.ts";
export { type BackupLocation, type OpenBackup, openBackup } from "./core/open_backup.ts";
export { type RangeSource, storeSource } from "./core/archive/range_source.ts";
export type {
  ArchiveHeader,
  BackupRecord,
  Compression,
  IndexEntry,
  Manifest,
  ManifestObject,
} from "./core/archive/format.ts";

// Plugins: the built-in ones, how they are run, and what a new one implements.
export { builtin } from "./plugins/builtin.ts";
export { WorkerHost, type WorkerHostOptions } from "./plugins/host/host.ts";
export { Registry } from "./core/registry.ts";
export * from "./core/plugin.ts";
export type { Permissions, Purpose } from "./core/permissions.ts";
export type * from "./core/database.ts";
export type * from "./core/store.ts";
export { joinTotals, type RowFraming, RowSum, rowSumProof, type RowTotal } from "./core/proof/row_sum.ts";
export * from "./core/streams/bytes.ts";

/** The version of Vaultra. */
export { VERSION } from "./core/version.ts";
