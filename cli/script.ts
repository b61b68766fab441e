/**
 * Where `--to sql:FILE` and `sql:-` write.
 *
 * @module
 */
import { resolve } from "node:path";
import { VaultraError } from "../core/errors.ts";
import type { ByteStream } from "../core/streams/bytes.ts";
import type { CliContext } from "./context.ts";
import { WorkFolder } from "./work_folder.ts";

/** A script in the making. Disposing without `commit` leaves no trace of it. */
export interface Script extends Disposable {
  /** How it is named to a person. */
  readonly name: string;
  readonly toStdout: boolean;
  /** A path where the adapter may build what the script is read from. */
  readonly workPath: string;
  write(bytes: ByteStream): Promise<void>;
  /** Makes the file visible under its name. */
  commit(): void;
}

/**
 * Opens a script.
 * @param path A file's path, or `-` for standard output.
 * @param replace Whether an existing file may be replaced.
 * @throws {VaultraError} `usage.which-target`, `target.exists`, `target.unwritable`
 */
export function openScript(path: string, replace: boolean, context: CliContext): Script {
  if (path === "-") return stdoutScript(context);
  if (path === "") {
    throw new VaultraError("usage.which-target", '"sql:" names no file', { hint: "Say sql:FILE or sql:-." });
  }
  const target = resolve(path);
  const exists = () =>
    new VaultraError("target.exists", `"${path}" exists`, {
      hint: "Name another file, or say --if-exists replace.",
    });
  if (!replace && present(target)) throw exists();
  const temporary = `${target}.${context.surroundings.randomHex(4)}.vaultra-restore`;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    throw unwritable(path, error);
  }
  let done = false;
  return {
    name: path,
    toStdout: false,
    workPath: `${temporary}.db`,
    async write(bytes) {
      for await (const block of bytes) {
        attempt(path, () => {
          let rest: Uint8Array = block;
          while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
        });
      }
      attempt(path, () => file.syncSync());
    },
    commit() {
      try {
        if (replace) Deno.renameSync(temporary, target);
        else {
          // A link fails when the name was taken meanwhile; a rename would replace it.
          Deno.linkSync(temporary, target);
          Deno.removeSync(temporary);
        }
      } catch (error) {
        throw error instanceof Deno.errors.AlreadyExists ? exists() : unwritable(path, error);
      }
      done = true;
    },
    [Symbol.dispose]() {
      file.close();
      if (!done) Deno.removeSync(temporary);
    },
  };
}

function attempt(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): VaultraError {
  const full = cause instanceof Error && (cause as Error & { code?: string }).code === "ENOSPC";
  return new VaultraError(
    full ? "target.disk-full" : "target.unwritable",
    full ? `There is no room to write "${path}"` : `"${path}" can't be written`,
    {
      hint: full
        ? "Free some space, or name a file on a larger disk; nothing is left of this one."
        : "Check that its folder exists and that you may write there.",
      cause,
    },
  );
}

function stdoutScript(context: CliContext): Script {
  const folder = WorkFolder.make();
  return {
    name: "standard output",
    toStdout: true,
    workPath: folder.database,
    async write(bytes) {
      for await (const block of bytes) await context.stdout.bytes(block);
    },
    commit() {},
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function present(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
