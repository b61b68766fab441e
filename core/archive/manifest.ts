import type { SourceObject, SourceSummary } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { BLAME_PLUGIN, OTHER_BACKUP } from "../hints.ts";
import { objectKey } from "../object_key.ts";
import { FORMAT_VERSION, type Manifest, manifest as manifestSchema, type ManifestObject } from "./format.ts";
import type { Ledger } from "./ledger.ts";
import { quoteName } from "./quote_name.ts";
import { MAX_OBJECT } from "./entry_path.ts";

/** What a manifest is made from. */
export interface ManifestInput {
  readonly id: string;
  readonly finished: Date;
  readonly places: Pick<Manifest, "header" | "restore" | "index">;
  /** The entries as they were written, and the names under which they were. */
  readonly ledger: Ledger;
  readonly names: ReadonlyMap<number, string>;
  /** The position where the backup stands, and what the source found. */
  readonly start: string;
  readonly summary: SourceSummary;
}

/**
 * The manifest of an archive.
 * @throws {VaultraError} `plugin.summary` when the source's summary is malformed or is not what it wrote
 */
export function buildManifest(input: ManifestInput): Manifest {
  const { ledger, summary } = input;
  const objects = summary.objects.map((object) => withTally(object, ledger));
  const built = manifestSchema.safeParse({
    format: FORMAT_VERSION,
    id: input.id,
    finished: input.finished.toISOString(),
    ...input.places,
    objects,
    totals: {
      entries: ledger.entries,
      objects: objects.length,
      rows: objects.reduce((sum, { rows = 0 }) => sum + rows, 0),
      raw: ledger.raw,
    },
    log: { start: input.start, stop: summary.stop },
    ...(summary.warnings === undefined || summary.warnings.length === 0
      ? {}
      : { warnings: summary.warnings }),
  });
  if (!built.success) throw badSummary("The plugin's summary of the backup is malformed", built.error);
  const named = new Map(objects.map(({ object, name }) => [object, name]));
  for (const [number, name] of input.names) {
    if (named.get(number) !== name) {
      throw badSummary(`The plugin wrote parts of ${quoteName(name)}, which its summary does not name`);
    }
  }
  try {
    checkObjects(built.data);
    ledger.check(built.data);
  } catch (error) {
    throw badSummary("The plugin's summary of the backup is not what it wrote", error);
  }
  return built.data;
}

function withTally(object: SourceObject, ledger: Ledger): ManifestObject {
  const tally = object.object === undefined ? undefined : ledger.objects.get(object.object);
  return {
    ...sourceObject(object),
    ...(object.object === undefined ? {} : { raw: tally?.raw ?? 0, parts: tally?.parts ?? 0 }),
    ...(tally === undefined ? {} : { index: [tally.first, tally.last] }),
  };
}

/** An object as a source told of it, and as a target is told of it, without what the manifest adds. */
export function sourceObject(
  { name, kind, object, within, rows, proof }: SourceObject | ManifestObject,
): SourceObject {
  return {
    name,
    kind,
    ...(object === undefined ? {} : { object }),
    ...(within === undefined ? {} : { within }),
    ...(rows === undefined ? {} : { rows }),
    ...(proof === undefined ? {} : { proof }),
  };
}

/**
 * What must hold among the objects of a manifest, besides their shape: names unique within a kind, numbers unique
 * and known, sums right.
 * @throws {VaultraError} `damaged.manifest`
 */
export function checkObjects({ objects, totals }: Manifest): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  let rows = 0;
  for (const object of objects) {
    const key = objectKey(object);
    if (names.has(key)) {
      throw damagedManifest(`The manifest names the ${object.kind} ${quoteName(object.name)} twice`);
    }
    names.add(key);
    if (object.object !== undefined) {
      if (object.object > MAX_OBJECT || numbers.has(object.object)) {
        throw damagedManifest(`The manifest gives ${quoteName(object.name)} the number of another object`);
      }
      numbers.add(object.object);
    }
    rows += object.rows ?? 0;
  }
  for (const { name, within } of objects) {
    if (within !== undefined && !numbers.has(within)) {
      throw damagedManifest(`The manifest puts ${quoteName(name)} into an object that it does not name`);
    }
  }
  if (totals.objects !== objects.length || totals.rows !== rows) {
    throw damagedManifest("The manifest's totals are not the sums of its objects");
  }
}

/** The error for a manifest that no writer writes. */
export function damagedManifest(message: string, cause?: unknown): VaultraError {
  return new VaultraError("damaged.manifest", message, {
    hint: OTHER_BACKUP,
    ...(cause === undefined ? {} : { cause }),
  });
}

function badSummary(message: string, cause?: unknown): VaultraError {
  return new VaultraError("plugin.summary", message, {
    hint: BLAME_PLUGIN,
    ...(cause === undefined ? {} : { cause }),
  });
}
