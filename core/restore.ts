/**
 * A restore: archive by ranges or from a pipe, every part checked, into a target that stays as it was until the end.
 *
 * @module
 */
import type { ArchiveHeader, Manifest } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { sourceObject } from "./archive/manifest.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { compareObjects, type Comparison, expectedObjects, refuseDifferences } from "./compare.ts";
import type { Configured } from "./config/job.ts";
import type {
  HostedDatabase,
  ProofLevel,
  RestoreOutput,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
} from "./database.ts";
import { VaultraError } from "./errors.ts";
import { pullParts, writeAll } from "./feed_target.ts";
import { eventLogger, type Operation } from "./operation.ts";
import { openOrigin, type RestoreOrigin } from "./restore_origin.ts";
import type { ByteStream } from "./streams/bytes.ts";

export type { RestoreOrigin };

/** What is restored, and how. */
export interface RestoreOptions {
  readonly origin: RestoreOrigin;
  /** Finds the target once the archive told its engine. */
  readonly target: (engine: string) => Promise<Configured>;
  /** Where the content goes; default: into the target itself. */
  readonly output?: RestoreOutput;
  /** Takes what every output but `database` and `proof` makes. */
  readonly script?: (script: ByteStream) => Promise<void>;
  /** The only objects that are read, by their true names: for every output but `database` and `sql`. */
  readonly names?: readonly string[];
  /** Patterns of the objects that are restored; default: all. */
  readonly only?: readonly string[] | undefined;
  /** Patterns of the objects that are not restored; default: none. */
  readonly exclude?: readonly string[] | undefined;
  /** Definitions without rows; default: both. */
  readonly schemaOnly?: boolean | undefined;
  /** Rows without definitions; default: both. */
  readonly dataOnly?: boolean | undefined;
  /** What is done with what the target already holds; default: `fail`. */
  readonly ifExists?: RestoreRequest["ifExists"] | undefined;
  /** How the result is compared; default: as far as the backup proves itself. */
  readonly proof?: ProofLevel | undefined;
  /** Ends with the plan and changes nothing; default: restores. */
  readonly dryRun?: boolean | undefined;
  /** Asked before a target that holds something is changed (`replace`, `append`); absent: never asked. */
  readonly confirm?: (plan: RestorePlan) => Promise<void>;
}

/** What a restore did. */
export interface RestoreOutcome {
  readonly header: ArchiveHeader;
  readonly plan: RestorePlan;
  /** Absent after a dry run. */
  readonly report?: RestoreReport;
  /** How the target was compared with the manifest, without a difference; absent after a dry run. */
  readonly comparison?: Comparison;
}

/**
 * Restores a backup.
 * @throws {VaultraError} `damaged.*` when a part is wrong; `target.*` when something is in the way; `database.*`: the target is
 * then as it was. `different.restored` when the result is not what was backed up.
 */
export async function restore(options: RestoreOptions, operation: Operation): Promise<RestoreOutcome> {
  await using pool = FramePool.open(operation);
  operation.listener({ type: "phase", phase: "Opening the archive" });
  await using archive = await openOrigin(options.origin, pool, operation);
  const known = archive.reader instanceof ArchiveReader ? archive.reader.manifest : undefined;

  const { header } = archive.reader;
  const request = requestOf(options, header, known);
  await using database = await openTarget(options, header, operation);
  refuseUnable(request, database, header.engine);
  await using target = await database.restore(request);
  const plan = await target.plan();
  if (options.dryRun) return { header, plan };
  refuseConflicts(plan);
  await options.confirm?.(plan);

  const isKept = request.output === "database";
  operation.listener({ type: "phase", phase: isKept ? "Restoring" : "Reading" });
  if (plan.mode === "stream") await writeAll(archive, target, operation);
  else await pullParts(archive, target, operation);
  const { manifest } = archive.reader;
  // The archive was read: its Workers make room for the check of the result.
  await pool[Symbol.asyncDispose]();

  if (isKept) operation.listener({ type: "phase", phase: "Checking the result" });
  if (options.script !== undefined) await options.script(target.script());
  const report = await target.commit();
  for (const warning of report.warnings) {
    operation.listener({ type: "warning", code: "restore", message: warning });
  }
  const comparison = compareObjects(
    expectedObjects(
      manifest.objects,
      report,
      plan.objects ?? (isPartial(request) ? report.objects.map(({ name }) => name) : undefined),
    ),
    report.objects,
    // What is not kept is counted by whoever reads it, and a schema holds no rows.
    isKept && !request.schemaOnly ? request.proof : "none",
  );
  refuseDifferences(report.target, comparison);
  return { header, plan, report, comparison };
}

/** Whether a part is restored: a plan that is made before a pipe was read cannot name its objects. */
function isPartial({ only, exclude, dataOnly, ifExists }: RestoreRequest): boolean {
  return only.length > 0 || exclude.length > 0 || dataOnly || ifExists === "append";
}

/**
 * Opens the database that is restored to.
 * @throws {VaultraError} `usage.other-engine` when it is not of the backup's engine; what the plugin throws
 */
export async function openTarget(
  options: Pick<RestoreOptions, "target">,
  header: Pick<ArchiveHeader, "engine" | "id">,
  operation: Operation,
): Promise<HostedDatabase> {
  const { plugin, config } = await options.target(header.engine);
  if (plugin.plugin.name !== header.engine) {
    throw new VaultraError(
      "usage.other-engine",
      `The backup "${header.id}" is of ${header.engine}, but the target is a ${plugin.plugin.name} database`,
      { hint: `Give a ${header.engine} address with --to.` },
    );
  }
  return await operation.host.openDatabase(plugin, config, {
    purpose: "restore",
    signal: operation.signal,
    log: eventLogger(operation.listener, plugin.plugin.name),
  });
}

function requestOf(
  options: RestoreOptions,
  header: ArchiveHeader,
  manifest: Manifest | undefined,
): RestoreRequest {
  return {
    only: options.only ?? [],
    exclude: options.exclude ?? [],
    schemaOnly: options.schemaOnly ?? false,
    dataOnly: options.dataOnly ?? false,
    ifExists: options.ifExists ?? "fail",
    output: options.output ?? "database",
    ...(options.names === undefined ? {} : { names: options.names }),
    salvage: false,
    proof: options.proof ?? header.options.proof,
    version: header.engineVersion,
    properties: header.properties,
    ...(manifest === undefined ? {} : { objects: manifest.objects.map(sourceObject) }),
    bytes: manifest?.totals.raw ?? 0,
  };
}

/** What an output is called where an adapter can't make it. */
const outputTitles: Readonly<Record<RestoreOutput, string>> = {
  database: "A restore into a database",
  sql: "A restore as SQL text",
  csv: "Reading rows as CSV",
  json: "Reading rows as JSON",
  raw: "Reading rows in the engine's own form",
  proof: "Proving objects without restoring them",
};

/**
 * Refuses what the engine's adapter does not declare.
 * @throws {VaultraError} `usage.unsupported`
 */
export function refuseUnable(
  { output, only, exclude }: Pick<RestoreRequest, "output" | "only" | "exclude">,
  { capabilities }: HostedDatabase,
  engine: string,
): void {
  const unable = (what: string, hint: string) =>
    new VaultraError("usage.unsupported", `${what} is not possible for ${engine}`, { hint });
  if (!capabilities.outputs.includes(output)) {
    throw unable(outputTitles[output], `What is possible: ${capabilities.outputs.join(", ")}.`);
  }
  const isRestored = output === "database" || output === "sql";
  if (isRestored && only.length + exclude.length > 0 && !capabilities.selective) {
    throw unable("A restore of single objects", "Restore all of it.");
  }
}

/**
 * Refuses a target in which something stands in the way.
 * @throws {VaultraError} `target.not-empty`
 */
export function refuseConflicts(plan: RestorePlan): void {
  if (plan.conflicts.length === 0) return;
  throw new VaultraError("target.not-empty", plan.conflicts.join("; "), {
    hint: "Restore somewhere else, or say --if-exists replace to have it replaced.",
    details: { conflicts: plan.conflicts },
  });
}
