/**
 * Files that hold what opens archives: age identities, passphrases.
 *
 * @module
 */
import { recipientOf } from "../age/recipients.ts";
import { toVaultraError, VaultraError } from "../errors.ts";
import { readText } from "./read_text.ts";
import type { Secrets } from "./secrets.ts";

/** The largest key file, bytes. */
const MAX_KEY_FILE_BYTES = 64 << 10;

/**
 * The form of an age recipient (https://age-encryption.org/v1), Bech32: X25519, or `age1pq1…` with ML-KEM-768. Its
 * checksum is left to `checkRecipient`.
 */
export const recipientPattern = /^age1(pq1)?[02-9ac-hj-np-z]{58,1990}$/;

/** The form of an age identity, Bech32 in capitals. */
const identityPattern = /^AGE-SECRET-KEY-(PQ-)?1[02-9AC-HJ-NP-Z]{58,}$/;

/**
 * The identities in the text of an age identity file, one a line; empty lines and those that begin with `#` are
 * comments. Each is told to `secrets`, and its checksum was checked.
 * @param name How messages name the text; they begin in lower case and quote none of it.
 * @throws {VaultraError} `config.identity`
 */
export async function identitiesIn(text: string, name: string, secrets: Secrets): Promise<string[]> {
  const wrong = (why: string, hint: string) =>
    new VaultraError("config.identity", `${name} ${why}`, { hint });
  const howTo = "Make one with vaultra key generate, or with age-keygen.";
  if (/^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE-----)/.test(text)) {
    throw wrong(
      "is itself encrypted by a passphrase",
      "Decrypt it with age -d into a place that only you can read.",
    );
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const identities = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const identity of identities) secrets.add(identity);
  if (identities.length === 0) throw wrong("holds no identity", howTo);
  const place = (identity: string) => lines.length === 1 ? "" : ` in line ${lines.indexOf(identity) + 1}`;
  for (const identity of identities) {
    if (!identityPattern.test(identity)) {
      throw wrong(
        identity.startsWith("age1")
          ? `holds a recipient${place(identity)}, which encrypts, and no identity, which opens`
          : `holds something else than an identity AGE-SECRET-KEY-1…${place(identity)}`,
        howTo,
      );
    }
    try {
      await recipientOf(identity);
    } catch {
      // Not kept as the cause: nothing may quote it.
      throw wrong(
        `holds an identity${place(identity)} that is mistyped: its checksum is wrong`,
        "Copy it again from the file that vaultra key generate or age-keygen wrote.",
      );
    }
  }
  return identities;
}

/**
 * A passphrase that is the text of a file or an answer.
 * @throws {VaultraError} `config.passphrase`
 */
export function passphraseIn(text: string, name: string, secrets: Secrets): string {
  secrets.add(text);
  // deno-lint-ignore no-control-regex -- a passphrase is one line
  if (/^[^\x00-\x1f\x7f]{1,4096}$/.test(text)) return text;
  throw new VaultraError(
    "config.passphrase",
    text === "" ? `${name} is empty` : `${name} must be one line of text without control characters`,
    { hint: "Write the passphrase alone, as one line of up to 4096 characters." },
  );
}

/**
 * The text of a key file, without the newline at its end; a pipe is read too.
 * @param what How messages name it: `identity file`.
 * @param warn Is told when others than its owner may read the file.
 * @throws {VaultraError} `config.key-file`
 */
export async function readKeyFile(
  path: string,
  what: string,
  warn: (message: string) => void,
): Promise<string> {
  try {
    const text = (await readText(path, MAX_KEY_FILE_BYTES)).replace(/\r?\n$/, "");
    const { isFile, mode } = await Deno.stat(path);
    if (isFile && Deno.build.os !== "windows" && ((mode ?? 0) & 0o077) !== 0) {
      warn(`Others than its owner may read the ${what} "${path}"`);
    }
    return text;
  } catch (error) {
    const { message, cause } = toVaultraError(error);
    throw new VaultraError("config.key-file", `The ${what} cannot be used: ${message}`, {
      hint: "Check its path, and that you may read it.",
      cause,
    });
  }
}

/**
 * The passphrase that a file holds.
 * @throws {VaultraError} `config.key-file`, `config.passphrase`
 */
export async function readPassphraseFile(
  path: string,
  secrets: Secrets,
  warn: (message: string) => void,
): Promise<string> {
  const text = await readKeyFile(path, "passphrase file", warn);
  return passphraseIn(text, `The passphrase file "${path}"`, secrets);
}
