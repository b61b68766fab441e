/**
 * The restore of what is whole of a damaged archive.
 *
 * @module
 */
import type { BackupRecord, Manifest } from "./archive/format.ts";
import { sourceObject } from "./archive/manifest.ts";
import type { SalvageReader } from "./archive/salvage_reader.ts";
import { compareObjects, type Comparison, expectedObjects, refuseDifferences } from "./compare.ts";
import type { Configured } from "./config/job.ts";
import type { ProofLevel, RestorePlan, RestoreReport, RestoreTarget } from "./database.ts";
import type { Operation } from "./operation.ts";
import { openTarget, refuseConflicts, refuseUnable } from "./restore.ts";
import { totalsOf } from "./salvage_report.ts";
import type { ByteStream } from "./streams/bytes.ts";

/** Where what is whole is restored to, and what of it. */
export interface SalvageTarget {
  /** Finds the target, by the engine that the archive tells; undefined when neither it nor a record does any more. */
  readonly database: (engine: string | undefined) => Promise<Configured>;
  /** Takes the script of `--to sql:…`; absent: the target itself is written. */
  readonly script?: (script: ByteStream) => Promise<void>;
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly ifExists: "fail" | "replace" | "append";
  /** Asked before a target that holds something is changed; absent: never asked. */
  readonly confirm?: (plan: RestorePlan) => Promise<void>;
}

/** What a restore of what is whole did. */
export interface SalvageRestore {
  readonly plan: RestorePlan;
  readonly restored: RestoreReport;
  /** How what was restored was compared with the manifest; absent when there is none any more. */
  readonly comparison?: Comparison;
}

/**
 * Restores what `feed` gives the target, and compares it with the manifest as far as there is one.
 * @throws {VaultraError} `target.*`, `database.*`, `different.restored`, `usage.*`: the target is then as it was
 */
export async function restoreWhole(
  target: SalvageTarget,
  reader: SalvageReader,
  record: BackupRecord | undefined,
  operation: Operation,
  feed: (into: RestoreTarget, plan: RestorePlan) => Promise<void>,
): Promise<SalvageRestore> {
  const told = reader.header ?? record;
  const configured = await target.database(told?.engine);
  const engine = told?.engine ?? configured.plugin.plugin.name;
  await using database = await openTarget(
    { target: () => Promise.resolve(configured) },
    { engine, id: told?.id ?? reader.manifest?.id ?? "" },
    operation,
  );
  const output = target.script === undefined ? "database" : "sql";
  const { only, exclude, ifExists } = target;
  refuseUnable({ output, only, exclude }, database, engine);
  const proof = reader.header?.options.proof ?? record?.proof ?? "rows";
  await using into = await database.restore({
    only,
    exclude,
    schemaOnly: false,
    dataOnly: false,
    ifExists,
    output,
    salvage: true,
    proof,
    version: told?.engineVersion ?? "",
    properties: reader.header?.properties ?? {},
    ...(reader.manifest === undefined ? {} : { objects: reader.manifest.objects.map(sourceObject) }),
    bytes: totalsOf(reader.inventory.objects()).raw,
  });
  const plan = await into.plan();
  refuseConflicts(plan);
  await target.confirm?.(plan);
  operation.listener({ type: "phase", phase: "Restoring what is whole" });
  await feed(into, plan);
  operation.listener({ type: "phase", phase: "Checking the result" });
  await target.script?.(into.script());
  const restored = await into.commit();
  for (const warning of restored.warnings) {
    operation.listener({ type: "warning", code: "salvage", message: warning });
  }
  if (reader.manifest === undefined || output === "sql") return { plan, restored };
  const comparison = compareWhole(reader, reader.manifest, restored, proof);
  refuseDifferences(restored.target, comparison);
  return { plan, restored, comparison };
}

/** Holds what was restored against the manifest, but for objects of which parts are missing. */
function compareWhole(
  { inventory }: SalvageReader,
  manifest: Manifest,
  restored: RestoreReport,
  proof: ProofLevel,
): Comparison {
  const names = restored.objects.map(({ name }) => name);
  const isAll = manifest.objects.every(({ name }) => names.includes(name));
  const expected = expectedObjects(manifest.objects, restored, isAll ? undefined : names);
  const partial = new Set<number | undefined>();
  for (const { object, missing } of inventory.objects()) if (missing.length > 0) partial.add(object);
  return compareObjects(expected.filter(({ object }) => !partial.has(object)), restored.objects, proof);
}
