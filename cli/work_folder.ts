import { join } from "node:path";
import type { Configured } from "../core/config/job.ts";
import { resolveDatabase } from "../core/config/resolve.ts";
import { VaultraError } from "../core/errors.ts";
import type { Workspace } from "./workspace.ts";

/** A folder of this run alone, in which an adapter may build what rows are read from. It is removed when disposed of. */
export class WorkFolder implements Disposable {
  /** A path in it that an adapter may work at. */
  readonly database: string;
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
    this.database = join(path, "work.db");
  }

  /** @throws {VaultraError} `target.unwritable` */
  static make(): WorkFolder {
    try {
      return new WorkFolder(Deno.makeTempDirSync({ prefix: "vaultra-" }));
    } catch (cause) {
      throw new VaultraError(
        "target.unwritable",
        "Rows are read by way of a temporary folder, and none can be made",
        {
          hint: "Set TMPDIR to a folder that may be written.",
          cause,
        },
      );
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

/** What an adapter works with where there is no database to restore into: a file, which it removes. */
export async function workDatabase(engine: string, path: string, workspace: Workspace): Promise<Configured> {
  const scheme = workspace.context.registry.find("database", engine).plugin.schemes[0]!;
  return await resolveDatabase(`${scheme}:${path}`, workspace.context, "--to");
}
