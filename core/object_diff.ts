/**
 * How the objects of two backups stand to each other: decided by what the manifests tell, and by what was read of those of
 * which they tell too little.
 *
 * @module
 */
import type { Manifest } from "./archive/format.ts";
import { countable } from "./countable.ts";
import type { SourceObject } from "./database.ts";
import { objectKey } from "./object_key.ts";

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

/** Of the first backup, and of the second. */
type Both<T> = readonly [T, T];

/** An object that both backups have. */
interface Pair {
  readonly objects: Both<SourceObject>;
  readonly definition: boolean;
  /** Whether its content is the same; absent: not known without reading it. */
  content?: "same" | "rows" | "content" | "unknown";
  rows: ObjectDiff["rows"];
}

/** An object as its manifest tells it: with its own proof, or that of the object that holds it, definition and all. */
interface KnownObject {
  readonly rows: number | undefined;
  readonly proof: string | undefined;
  readonly holder: string | undefined;
}

/**
 * All objects as identical, when all that both manifests name lies in objects whose proofs are equal, definitions too. Else
 * undefined: more must be read to tell.
 */
export function identicalObjects(first: Manifest, second: Manifest): ObjectDiff[] | undefined {
  const [a, b] = [known(first), known(second)];
  const isSame = a.size > 0 && a.size === b.size &&
    [...a].every(([key, { holder }]) => holder !== undefined && b.get(key)?.holder === holder);
  return isSame
    ? countable(first.objects).map((object) => entry(object, "identical", [object.rows, object.rows]))
    : undefined;
}

/** The objects of two backups, paired and compared. */
export class ObjectPairs {
  readonly #defined: Both<ReadonlyMap<string, SourceObject>>;
  readonly #known: Both<ReadonlyMap<string, KnownObject>>;
  readonly #pairs: ReadonlyMap<string, Pair>;

  /**
   * Compares definitions, and contents as far as the manifests tell.
   * @param defined What is compared, with definitions.
   */
  constructor([one, other]: Both<Manifest>, [first, second]: Both<readonly SourceObject[]>) {
    this.#defined = [byKey(first), byKey(second)];
    this.#known = [known(one), known(other)];
    this.#pairs = pairsOf(this.#defined);
    for (const [key, pair] of this.#pairs) {
      compareKnown(pair, this.#known[0].get(key), this.#known[1].get(key));
    }
  }

  /** The names of the objects that must be read, because the manifests tell too little of them. */
  unread(): string[] {
    return this.#unread().map(([, { objects: [{ name }] }]) => name);
  }

  /** Compares the objects that were {@linkcode unread} by the rows and proofs that were read. */
  compareRead([first, second]: Both<readonly SourceObject[]>): void {
    const [one, other] = [byKey(first), byKey(second)];
    for (const [key, pair] of this.#unread()) {
      const [a, b] = [one.get(key), other.get(key)];
      pair.rows = [a?.rows ?? pair.rows[0], b?.rows ?? pair.rows[1]];
      pair.content = differenceOf(a ?? {}, b ?? {});
    }
  }

  /** How each object stands: those of the first backup, then those that only the second has. */
  diffs(): ObjectDiff[] {
    const [first, second] = this.#defined;
    const inFirst = [...first].map(([key, object]) => {
      const pair = this.#pairs.get(key);
      return pair ? pairEntry(pair) : entry(object, "only-first", [this.#known[0].get(key)?.rows, undefined]);
    });
    const onlySecond = [...second].filter(([key]) => !first.has(key))
      .map(([key, object]) => entry(object, "only-second", [undefined, this.#known[1].get(key)?.rows]));
    return [...inFirst, ...onlySecond];
  }

  #unread(): [string, Pair][] {
    return [...this.#pairs].filter(([, { content }]) => content === undefined);
  }
}

function byKey(objects: readonly SourceObject[]): Map<string, SourceObject> {
  return new Map(objects.map((object) => [objectKey(object), object]));
}

function known({ objects }: Manifest): Map<string, KnownObject> {
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

function pairsOf([first, second]: Both<ReadonlyMap<string, SourceObject>>): Map<string, Pair> {
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
