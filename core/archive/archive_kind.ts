import { VaultraError } from "../errors.ts";
import { recognize } from "./codecs.ts";
import type { Compression } from "./format.ts";

/**
 * How an archive that begins with these bytes is compressed.
 * @throws {VaultraError} `damaged.not-an-archive`; `key.encrypted` when it must be decrypted first
 */
export function archiveKind(head: Uint8Array): Compression {
  const kind = recognize(head);
  if (kind === undefined) throw notAnArchive("This is not a Vaultra archive");
  if (kind === "age" || kind === "age-armored") {
    throw new VaultraError("key.encrypted", "The archive is encrypted with age", {
      hint: "Decrypt it first, with `age -d -i KEYFILE ARCHIVE`, and restore what that writes.",
    });
  }
  return kind;
}

/** The error for a file that is no archive, or not the one that its record describes. */
export function notAnArchive(message: string): VaultraError {
  return new VaultraError("damaged.not-an-archive", message, {
    hint: "Name the file that a backup wrote: it ends in .tar.zst, .tar.gz or .tar.",
  });
}
