import { constants } from "node:os";
import { toVaultraError, TransientError, VaultraError } from "../../core/errors.ts";

const full = "Free some space, or choose a store on a larger disk; nothing of the unfinished object is kept.";
const rights = "Give the user that runs Vaultra the right to read and write the store's folder.";

/** What the operating system's error codes mean to a person: code, the end of the sentence, hint. */
const meanings: Readonly<Record<string, readonly [VaultraError["code"], string, string]>> = {
  ENOSPC: ["store.disk-full", "the disk is full", full],
  EDQUOT: ["store.disk-full", "the user's disk quota is used up", full],
  EFBIG: ["store.disk-full", "it is larger than the file system or a limit allows", full],
  EACCES: ["store.denied", "permission is denied", rights],
  EPERM: ["store.denied", "the operation is not permitted", rights],
  EROFS: ["store.denied", "the file system is read-only", "Mount it for writing, or choose another store."],
  ENOENT: ["store.not-found", "it does not exist", "Check the store's address."],
  ENAMETOOLONG: ["store.invalid-key", "the name is too long for the file system", "Choose a shorter name."],
  ENOTDIR: [
    "store.conflict",
    "a file stands where a folder is needed",
    "Move that file away, or choose another folder.",
  ],
  EISDIR: [
    "store.conflict",
    "a folder stands where a file is needed",
    "Move that folder away, or choose another name.",
  ],
  ELOOP: ["store.denied", "symbolic links lead in a circle", "Remove the links from the store's folder."],
  EIO: ["store.failed", "the disk reports an error", "Check the disk's health before trusting it again."],
};

/**
 * A file system's error as one that a person can act on.
 * @param doing What could not be done, as in `Cannot ${doing}`.
 */
export function fileError(error: unknown, doing: string): VaultraError {
  if (error instanceof VaultraError) return error;
  // The first error counts, not the one of cleaning up after it.
  if (error instanceof SuppressedError) return fileError(error.suppressed, doing);
  if (error instanceof Deno.errors.NotCapable) {
    return new VaultraError(
      "store.denied",
      `Cannot ${doing}: the path lies outside of what the store may touch`,
      {
        hint: "Check the store's address; links that lead out of its folder are not followed.",
        cause: error,
      },
    );
  }
  const code = errorCode(error);
  // Not the file system's but the body's.
  if (code === undefined) return toVaultraError(error, "failed");
  if (code === "EMFILE" || code === "ENFILE") {
    return new TransientError("store.busy", `Cannot ${doing}: too many files are open`, {
      hint: "Raise the limit of open files (ulimit -n).",
      cause: error,
    });
  }
  const [family, meaning, hint] = meanings[code] ??
    ["store.failed", `the system answered ${code}`, undefined];
  return new VaultraError(
    family,
    `Cannot ${doing}: ${meaning}`,
    hint ? { hint, cause: error } : { cause: error },
  );
}

/** The operating system's name of an error, such as `ENOENT`; `undefined` for an error of another origin. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as Error & { code?: string };
  if (code !== undefined) return code;
  // The runtime names the commonest errors only and gives the others' numbers.
  const number = Number(/\(os error (\d+)\)/.exec(message)?.[1]);
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
}

/** Runs a call of the file system and translates its error. */
export async function attempt<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileError(error, doing);
  }
}
