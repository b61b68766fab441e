import { isAbsolute } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import { flood } from "./channel.ts";
import { holds } from "./folder_sync.ts";
import { oneLine } from "./wire_error.ts";

/** Files that one plugin may name at a time. */
const MAX_FILES = 1_000;

/** The files of a plugin that must not outlive its Worker. */
export class TemporaryFiles {
  readonly #granted: readonly string[];
  readonly #files = new Set<string>();

  /** @param granted Absolute paths that the plugin may write; what lies elsewhere is never removed. */
  constructor(granted: readonly string[]) {
    this.#granted = granted;
  }

  /**
   * Remembers a file.
   * @throws {VaultraError} `plugin.denied` when the plugin may not write it; `plugin.flood`
   */
  add(path: unknown): void {
    if (typeof path !== "string" || !isAbsolute(path) || !this.#granted.some((each) => holds(each, path))) {
      throw new VaultraError(
        "plugin.denied",
        `The plugin called "${oneLine(String(path), 200)}" its temporary file, which it may not write`,
      );
    }
    if (this.#files.size >= MAX_FILES) throw flood("more temporary files than can be kept in mind");
    this.#files.add(path);
  }

  /** Forgets a file: the plugin dealt with it. */
  settle(path: unknown): void {
    this.#files.delete(String(path));
  }

  /** Removes what is left. @returns A sentence for each file that could not be removed. */
  removeAll(): string[] {
    const problems: string[] = [];
    for (const path of this.#files) {
      try {
        Deno.removeSync(path);
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.NotFound)) {
          problems.push(`The temporary file "${path}" could not be removed: ${oneLine(String(thrown), 200)}`);
        }
      }
    }
    this.#files.clear();
    return problems;
  }
}
