import { VaultraError } from "../errors.ts";

/**
 * Reads a file of UTF-8 text of bounded size; a byte order mark is dropped. Pipes and devices are read too.
 *
 * @param limit Bytes.
 * @throws {VaultraError} `config.not-found`, `config.unreadable`; messages begin in lower case.
 */
export async function readText(path: string, limit: number): Promise<string> {
  const bytes = await readBytes(path, limit);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new VaultraError("config.unreadable", `the file "${path}" is not UTF-8 text`, { cause });
  }
}

async function readBytes(path: string, limit: number): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(limit + 1);
    let length = 0;
    for (;;) {
      const read = await file.read(buffer.subarray(length));
      if (read === null || read === 0) break;
      length += read;
    }
    if (length <= limit) return buffer.subarray(0, length);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new VaultraError("config.not-found", `there is no file "${path}"`, { cause });
    }
    throw new VaultraError("config.unreadable", `the file "${path}" cannot be read: ${reason(cause)}`, {
      cause,
    });
  }
  throw new VaultraError("config.unreadable", `the file "${path}" is larger than ${limit >> 10} KiB`);
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a folder";
  return cause instanceof Error ? cause.name : String(cause);
}
