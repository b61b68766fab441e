import { VaultraError } from "../errors.ts";
import { recognize } from "./codecs.ts";
import type { Compression } from "./format.ts";

/**
 * How an archive that begins with these bytes, decrypted if need be, is compressed.
 * @throws {VaultraError} `damaged.not-an-archive`
 */
export function archiveKind(head: Uint8Array): Compression {
  const kind = recognize(head);
  if (kind === undefined || kind === "age" || kind === "age-armored") {
    throw notAnArchive("This is not a Vaultra archive");
  }
  return kind;
}

/**
 * Whether an archive that begins with these bytes is encrypted.
 * @throws {VaultraError} `usage.age-armored`
 */
export function isEncrypted(head: Uint8Array): boolean {
  const kind = recognize(head);
  if (kind === "age-armored") {
    throw new VaultraError(
      "usage.age-armored",
      "The archive is an age file in ASCII armor, which cannot be read by ranges",
      {
        hint: "Let age decrypt it: age -d -i KEYFILE ARCHIVE | vaultra restore --from - …",
      },
    );
  }
  return kind === "age";
}

/** The error for a file that is no archive, or not the one that its record describes. */
export function notAnArchive(message: string): VaultraError {
  return new VaultraError("damaged.not-an-archive", message, {
    hint: "Name the file that a backup wrote: it ends in .tar.zst, .tar.gz, .tar or one of these and .age.",
  });
}
