/**
 * What differs between two backups, object by object, by definitions, numbers of rows and proofs.
 *
 * @module
 */
import type { ArchiveHeader, Manifest } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { countable } from "./countable.ts";
import type { Configured } from "./config/job.ts";
import type { SourceObject } from "./database.ts";
import { VaultraError } from "./errors.ts";
import { objectKey } from "./object_key.ts";
import { type BackupLocation, type OpenBackup, openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { restore } from "./restore.ts";

/** Which backups are compared, and how. */
export interface DiffOptions {
  readonly first: BackupLocation;
  readonly second: BackupLocation;
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  /** Finds a database in whose place the adapter may work; nothing is left of it. */
  readonly target: (engine: string) => Promise<Configured>;
}

/** What of an object differs: its statement, how many rows it has, or what stands in as many rows. */
export type Change = "definition" | "rows" | "content";

/** How an object stands in two backups. `unknown`: its content could not be proven, as warnings say. */
export interface ObjectDiff {
  readonly name: string;
  readonly kind: string;
  readonly status: "identical" | "different" | "only-first" | "only-second" | "unknown";
  /** What differs; nothing but for the status `different`. */
  readonly changes: readonly Change[];
  /** Rows in the first and the second backup, as far as they are known. */
  readonly rows: readonly [number | undefined, number | undefined];
  /** The definitions, where they differ. */
  readonly definitions?: readonly [string, string];
}

/** How two backups differ. */
export interface Diff {
  readonly first: ArchiveHeader;
  readonly second: ArchiveHeader;
  readonly objects: readonly ObjectDiff[];
  /** Objects by their status. */
  readonly totals: Readonly<Record<ObjectDiff["status"], number>>;
}

/** An object that both backups have. */
interface Pair {
  readonly objects: readonly [SourceObject, SourceObject];
  readonly definition: boolean;
  /** Whether its content is the same; absent: not known without reading it. */
  content?: "same" | "rows" | "content" | "unknown";
  rows: readonly [number | undefined, number | undefined];
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
  if (isWhole && holdTheSame(one.manifest, other.manifest)) {
    const objects = countable(one.manifest.objects).map((object) =>
      entry(object, "identical", [object.rows, object.rows])
    );
    return { ...headers, ...counted(objects) };
  }

  const read = async (backup: OpenBackup, what: { schemaOnly: boolean; names?: readonly string[] }) => {
    const { report } = await restore({
      origin: { kind: "opened", backup },
      target: options.target,
      output: "proof",
      only: options.only,
      exclude: options.exclude,
      dataOnly: false,
      ifExists: "fail",
      dryRun: false,
      ...what,
    }, operation);
    return byName(report?.objects ?? []);
  };
  const defined = [
    await read(first, { schemaOnly: true }),
    await read(second, { schemaOnly: true }),
  ] as const;
  refuseNothing(defined, options);
  const pairs = pairsOf(defined);
  const manifests = [one.manifest, other.manifest].map(known) as [Known, Known];
  for (const [key, pair] of pairs) compareKnown(pair, manifests[0].get(key), manifests[1].get(key));

  const unread = [...pairs].filter(([, { content }]) => content === undefined);
  if (unread.length > 0) {
    const names = unread.map(([, { objects: [{ name }] }]) => name);
    const proven = [
      await read(first, { schemaOnly: false, names }),
      await read(second, { schemaOnly: false, names }),
    ] as const;
    for (const [key, pair] of unread) compareRead(pair, proven[0].get(key), proven[1].get(key));
  }
  return { ...headers, ...counted(entriesOf(defined, pairs, manifests)) };
}

type Objects = ReadonlyMap<string, SourceObject>;

/** An object as its manifest tells it: with its own proof, or that of the object that holds it, definition and all. */
interface KnownObject {
  readonly rows: number | undefined;
  readonly proof: string | undefined;
  readonly holder: string | undefined;
}
type Known = ReadonlyMap<string, KnownObject>;

function byName(objects: readonly SourceObject[]): Objects {
  return new Map(objects.map((object) => [objectKey(object), object]));
}

function known({ objects }: Manifest): Known {
  const holders = new Set(objects.map(({ within }) => within));
  const proofs = new Map(objects.map(({ object, proof }) => [object, proof]));
  return new Map(objects.map((object) => {
    const { object: number, within, rows, proof } = object;
    const holder = within ?? (holders.has(number) ? number : undefined);
    return [objectKey(object), {
      rows,
      proof,
      holder: holder === undefined ? undefined : proofs.get(holder),
    }];
  }));
}

/** Whether all that both manifests name lies in objects whose proofs are equal, definitions too. */
function holdTheSame(one: Manifest, other: Manifest): boolean {
  const [a, b] = [known(one), known(other)];
  return a.size > 0 && a.size === b.size &&
    [...a].every(([key, { holder }]) => holder !== undefined && b.get(key)?.holder === holder);
}

/** @throws {VaultraError} `usage.no-such-object` when patterns choose nothing of either backup */
function refuseNothing([first, second]: readonly [Objects, Objects], { only, exclude }: DiffOptions): void {
  if (first.size + second.size > 0 || only.length + exclude.length === 0) return;
  throw new VaultraError("usage.no-such-object", "Neither backup has an object that was chosen", {
    hint: "See what they hold with: vaultra show BACKUP --objects",
  });
}

function pairsOf([first, second]: readonly [Objects, Objects]): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const [key, object] of first) {
    const twin = second.get(key);
    if (twin === undefined) continue;
    const definition = object.definition !== twin.definition;
    const hasRows = [object, twin].some(({ object: number, within }) => (number ?? within) !== undefined);
    pairs.set(key, {
      objects: [object, twin],
      definition,
      rows: [undefined, undefined],
      ...(hasRows ? {} : { content: "same" }),
    });
  }
  return pairs;
}

/** Decides what the manifests can decide. Unequal proofs of two holders say nothing of one object in them. */
function compareKnown(pair: Pair, first: KnownObject | undefined, second: KnownObject | undefined): void {
  pair.rows = [first?.rows, second?.rows];
  if (pair.content !== undefined || first === undefined || second === undefined) return;
  const difference = differenceOf(first, second);
  if (difference !== "unknown") pair.content = difference;
  else if (first.holder !== undefined && first.holder === second.holder) pair.content = "same";
}

function compareRead(pair: Pair, first: SourceObject | undefined, second: SourceObject | undefined): void {
  pair.rows = [first?.rows ?? pair.rows[0], second?.rows ?? pair.rows[1]];
  pair.content = differenceOf(first ?? {}, second ?? {});
}

/** What two counts and proofs tell of each other. Proofs of different algorithms tell nothing. */
function differenceOf(
  first: { readonly rows?: number | undefined; readonly proof?: string | undefined },
  second: { readonly rows?: number | undefined; readonly proof?: string | undefined },
): NonNullable<Pair["content"]> {
  if (first.rows !== undefined && second.rows !== undefined && first.rows !== second.rows) return "rows";
  if (first.proof === undefined || second.proof === undefined) return "unknown";
  if (first.proof === second.proof) return "same";
  return first.proof.split(":", 1)[0] === second.proof.split(":", 1)[0] ? "content" : "unknown";
}

function entriesOf(
  [first, second]: readonly [Objects, Objects],
  pairs: ReadonlyMap<string, Pair>,
  manifests: readonly [Known, Known],
): ObjectDiff[] {
  const rowsOf = (side: 0 | 1, object: SourceObject) => manifests[side].get(objectKey(object))?.rows;
  const inFirst = [...first].map(([key, object]) => {
    const pair = pairs.get(key);
    return pair ? pairEntry(pair) : entry(object, "only-first", [rowsOf(0, object), undefined]);
  });
  const onlySecond = [...second].filter(([key]) => !first.has(key))
    .map(([, object]) => entry(object, "only-second", [undefined, rowsOf(1, object)]));
  return [...inFirst, ...onlySecond];
}

function pairEntry({ objects: [first, second], definition, content, rows }: Pair): ObjectDiff {
  const changes: Change[] = [
    ...(definition ? ["definition" as const] : []),
    ...(content === "rows" || content === "content" ? [content] : []),
  ];
  const status = changes.length > 0 ? "different" : content === "same" ? "identical" : "unknown";
  return {
    ...entry(first, status, rows),
    changes,
    ...(definition ? { definitions: [first.definition ?? "", second.definition ?? ""] } : {}),
  };
}

function entry(
  { name, kind }: { readonly name: string; readonly kind: string },
  status: ObjectDiff["status"],
  rows: ObjectDiff["rows"],
): ObjectDiff {
  return { name, kind, status, changes: [], rows };
}

function counted(objects: readonly ObjectDiff[]): Pick<Diff, "objects" | "totals"> {
  const totals = { identical: 0, different: 0, "only-first": 0, "only-second": 0, unknown: 0 };
  for (const { status } of objects) totals[status]++;
  return { objects, totals };
}
