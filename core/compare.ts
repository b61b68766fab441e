import type { ProofLevel, SourceObject } from "./database.ts";
import { VaultraError } from "./errors.ts";

/** How a target's objects stand against what the manifest promised. */
export interface Comparison {
  /** Objects that were compared. */
  readonly compared: number;
  /** Whether content was compared, and not only numbers of rows. */
  readonly content: boolean;
  /** What differs, one sentence each. */
  readonly differences: readonly string[];
}

/** What is compared of an object. */
interface Proven {
  readonly name: string;
  readonly kind: string;
  readonly rows?: number | undefined;
  readonly proof?: string | undefined;
}

/**
 * Compares what a restore found in its target with the manifest: row counts and, for `content`, proofs.
 * @param only Names of the objects that were restored; absent: all.
 */
export function compareObjects(
  expected: readonly Proven[],
  found: readonly SourceObject[],
  level: ProofLevel,
  only?: readonly string[],
): Comparison {
  if (level === "none") return { compared: 0, content: false, differences: [] };
  const key = (object: { kind: string; name: string }) => `${object.kind}\0${object.name}`;
  const there = new Map(found.map((object) => [key(object), object]));
  const chosen = only === undefined ? undefined : new Set(only);
  const differences: string[] = [];
  let compared = 0;
  let content = false;
  for (const object of expected) {
    if (chosen !== undefined && !chosen.has(object.name)) continue;
    const twin = there.get(key(object));
    // A proof is of a whole: what was chosen out of it is compared by its rows.
    const proof = level === "content" && chosen === undefined ? object.proof : undefined;
    if (object.rows === undefined && proof === undefined) continue;
    compared++;
    content ||= proof !== undefined;
    if (twin === undefined) {
      differences.push(`${object.kind} "${object.name}" is missing`);
    } else if (object.rows !== undefined && twin.rows !== object.rows) {
      differences.push(
        `${object.kind} "${object.name}" has ${twin.rows ?? "no"} rows instead of ${object.rows}`,
      );
    } else if (proof !== undefined && twin.proof !== proof) {
      differences.push(`${object.kind} "${object.name}" has other content than was backed up`);
    }
  }
  return { compared, content, differences };
}

/**
 * Ends a restore whose result is not what was backed up.
 * @param target How it is named to a person.
 * @throws {VaultraError} `different.restored` when something differs
 */
export function refuseDifferences(target: string, { compared, differences }: Comparison): void {
  if (differences.length === 0) return;
  throw new VaultraError(
    "different.restored",
    `${target} is not what was backed up: of ${compared} objects ${differences.length} differ: ${
      differences.slice(0, 5).join("; ")
    }`,
    {
      hint: "Do not rely on it. Verify the backup, and restore again or another one.",
      details: { differences },
    },
  );
}
