import { VaultraError } from "../errors.ts";

/** One problem in the configuration. Its text never holds a secret: whoever adds one masks values. */
export interface Problem {
  /** Where: `vaultra.yaml:7:15`, an environment variable, a flag; empty for what is nowhere. */
  readonly place: string;
  /** Counted from 1; only of problems in the file. */
  readonly line?: number;
  readonly column?: number;
  /** The key, from the root: `jobs.orders.parallel`. Empty for the file itself. */
  readonly path: string;
  /** What is wrong, lower case, without a final period. */
  readonly message: string;
}

/** A key as messages name it: dotted, odd names quoted, list items in brackets. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    const name = String(part);
    const shown = /^[\w-][\w.-]{0,99}$/.test(name)
      ? name
      : JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
    return index === 0 ? shown : `.${shown}`;
  }).join("");
}

/** A problem as one line. */
export function problemText({ place, path, message }: Problem): string {
  return [place, path, message].filter((part) => part !== "").join(": ");
}

/** How many problems an error's message names; all are in its details. */
const SHOWN = 10;

/** Problems that are gathered, so that a person sees all of them at once. */
export class Problems {
  readonly #found = new Map<string, Problem>();

  /** Adds a problem; the same one twice counts once. */
  add(problem: Problem): void {
    this.#found.set(problemText(problem), problem);
  }

  /** All problems: those of the file first, by line. */
  get list(): readonly Problem[] {
    const line = (problem: Problem) => problem.line ?? Infinity;
    return [...this.#found.values()].sort((a, b) =>
      line(a) === line(b) ? (a.column ?? 0) - (b.column ?? 0) : line(a) - line(b)
    );
  }

  /**
   * Throws when there are any.
   * @param redact Masks secrets in what is shown.
   * @throws {VaultraError} `config.invalid`, with all problems in `details.problems`.
   */
  throwIfAny(redact: (text: string) => string = (text) => text): void {
    const problems = this.list.map((problem) => ({ ...problem, message: redact(problem.message) }));
    if (problems.length === 0) return;
    const lines = problems.slice(0, SHOWN).map(problemText);
    const rest = problems.length - lines.length;
    if (rest > 0) lines.push(`and ${rest} more`);
    const message = problems.length === 1
      ? lines[0]!.replace(problems[0]!.place === "" ? /^[a-z]/ : /^$/, (letter) => letter.toUpperCase())
      : [`The configuration has ${problems.length} problems:`, ...lines].join("\n");
    const ofFlags = problems.every(({ place }) => place.startsWith("--"));
    throw new VaultraError("config.invalid", message, {
      hint: ofFlags
        ? "Correct the option; docs/cli.md and --help tell what each takes."
        : "docs/configuration.md lists every key; `vaultra config check` finds all problems at once.",
      details: { problems },
    });
  }
}
