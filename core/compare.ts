import { countable } from "./countable.ts";
import type { ProofLevel, RestoreReport, SourceObject } from "./database.ts";
import { VaultraError } from "./errors.ts";
import { objectKey } from "./object_key.ts";

/** How a target's objects stand against what was backed up. */
export interface Comparison {
  /** Objects that were compared. A file that holds others is compared too, but only those are counted. */
  readonly compared: number;
  /** How many of them were compared by their content, not only by their number of rows. */
  readonly identical: number;
  /** The same by their kinds, such as `table`; those without rows are of kind `object`. */
  readonly kinds: readonly KindComparison[];
  /** What differs, one sentence each. */
  readonly differences: readonly string[];
}

/** How many objects of a kind were compared, and how many of them by their content. */
export interface KindComparison {
  readonly kind: string;
  readonly compared: number;
  readonly identical: number;
}

/** What is compared of an object. */
interface Proven {
  readonly name: string;
  readonly kind: string;
  readonly object?: number | undefined;
  readonly within?: number | undefined;
  readonly rows?: number | undefined;
  readonly proof?: string | undefined;
}

/**
 * What a restore must have brought: the manifest's objects, with the proofs that the restore took from the archive's content.
 * @param report What the restore found in the archive.
 * @param only Names of the objects that were restored; absent: all. A proof of a whole, such as a file of tables, says
 * nothing of what was chosen out of it.
 */
export function expectedObjects(
  manifest: readonly Proven[],
  { expected = [] }: Pick<RestoreReport, "expected">,
  only?: readonly string[],
): Proven[] {
  const chosen = only === undefined ? undefined : new Set(only);
  const all = new Map<string, Proven>();
  for (const object of manifest) {
    if (chosen === undefined) all.set(objectKey(object), object);
    else if (chosen.has(object.name)) all.set(objectKey(object), { ...object, proof: undefined });
  }
  for (const object of expected) {
    const known = all.get(objectKey(object));
    all.set(objectKey(object), {
      ...object,
      ...known,
      rows: known?.rows ?? object.rows,
      proof: object.proof,
    });
  }
  return [...all.values()];
}

/**
 * Compares what a restore found in its target with what it must have brought: numbers of rows and, for `content`, proofs.
 */
export function compareObjects(
  expected: readonly Proven[],
  found: readonly SourceObject[],
  level: ProofLevel,
): Comparison {
  const there = new Map(found.map((object) => [objectKey(object), object]));
  const differences: string[] = [];
  /** The objects with numbers whose content was compared. */
  const whole = new Set<number | undefined>();
  const compared: Proven[] = [];
  for (const object of expected) {
    const rows = level === "none" ? undefined : object.rows;
    const proof = level === "content" ? object.proof : undefined;
    if (rows === undefined && proof === undefined) continue;
    compared.push({ ...object, proof });
    if (proof !== undefined) whole.add(object.object);
    const twin = there.get(objectKey(object));
    const what = `${object.kind} "${object.name}"`;
    if (twin === undefined) differences.push(`${what} is missing`);
    else if (rows !== undefined && twin.rows !== rows) {
      differences.push(`${what} has ${twin.rows ?? "no"} rows instead of ${rows}`);
    } else if (proof !== undefined && twin.proof !== proof) {
      differences.push(`${what} has other content than was backed up`);
    }
  }
  whole.delete(undefined);
  const counted = new Set(countable(expected).map(objectKey));
  const kinds = new Map<string, KindComparison>();
  for (const object of compared) {
    if (!counted.has(objectKey(object))) continue;
    const kind = object.rows === undefined ? "object" : object.kind;
    const isIdentical = object.proof !== undefined || whole.has(object.within);
    const before = kinds.get(kind) ?? { kind, compared: 0, identical: 0 };
    kinds.set(kind, {
      kind,
      compared: before.compared + 1,
      identical: before.identical + Number(isIdentical),
    });
  }
  const sum = (figure: "compared" | "identical") =>
    [...kinds.values()].reduce((total, of) => total + of[figure], 0);
  return { compared: sum("compared"), identical: sum("identical"), kinds: [...kinds.values()], differences };
}

/**
 * Ends a restore whose result is not what was backed up.
 * @param target How it is named to a person.
 * @param hint What that person can do; default: for a target that was changed already.
 * @throws {VaultraError} `different.restored` when something differs
 */
export function refuseDifferences(
  target: string,
  comparison: Comparison,
  hint = "Do not rely on it. Verify the backup, and restore again or another one.",
): void {
  const { differences } = comparison;
  if (differences.length === 0) return;
  const more = differences.length > 5 ? `; and ${differences.length - 5} more` : "";
  throw new VaultraError(
    "different.restored",
    `${target} is not what was backed up: ${differences.slice(0, 5).join("; ")}${more}`,
    { hint, details: { ...comparison } },
  );
}
