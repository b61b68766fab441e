/**
 * Whom archives are encrypted to.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Encryption } from "../config/job.ts";
import { VaultraError } from "../errors.ts";

/** How a record names encryption with a passphrase. */
export const PASSPHRASE = "passphrase";

/** The longest text of a recipient: a post-quantum one has 1,959 characters. */
const MAX_RECIPIENT_LENGTH = 2000;

/**
 * Checks that a text is a recipient that archives can be encrypted to: `age1…` (X25519) or `age1pq1…` (ML-KEM-768 with
 * X25519), checksum and all.
 * @throws {VaultraError} `config.recipient`
 */
export async function checkRecipient(text: string): Promise<void> {
  const wrong = (why: string, cause?: unknown) =>
    new VaultraError("config.recipient", why, {
      hint: "Give an age recipient such as vaultra key generate or age-keygen prints: age1….",
      cause,
    });
  if (/^AGE-SECRET-KEY-/i.test(text)) {
    throw wrong("A secret identity stands where a recipient must, which is its public half");
  }
  const shown = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  if (/^ssh-/.test(text)) throw wrong(`The SSH key ${shown} is no age recipient`);
  const kind = /^(age1pq|age)1[02-9ac-hj-np-z]+$/.exec(text)?.[1];
  if (kind === undefined && /^age1[a-z0-9-]+1[a-z0-9]+$/.test(text)) {
    throw wrong(`The recipient ${shown} needs a plugin of age, which Vaultra cannot use`);
  }
  if (kind === undefined || text.length > MAX_RECIPIENT_LENGTH) throw wrong(`${shown} is no age recipient`);
  const { Encrypter } = await import("age-encryption");
  try {
    new Encrypter().addRecipient(text);
  } catch (cause) {
    throw wrong(`The recipient ${shown} is mistyped: its checksum is wrong`, cause);
  }
}

/** The name of a recipient in records: the first 16 hexadecimal digits of the SHA-256 of its text. */
export function recipientFingerprint(recipient: string): string {
  return createHash("sha256").update(recipient).digest("hex").slice(0, 16);
}

/** How a record names those who can open what is encrypted so. */
export function recipientsOf({ recipients }: Encryption): string[] {
  return recipients === undefined ? [PASSPHRASE] : recipients.map(recipientFingerprint);
}

/**
 * The recipient that an identity opens archives for: its public half.
 * @param identity `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`
 * @throws {VaultraError} `key.bad-identity`
 */
export async function recipientOf(identity: string): Promise<string> {
  const { identityToRecipient } = await import("age-encryption");
  try {
    return await identityToRecipient(identity);
  } catch {
    // The library's error may quote the identity, and must not be kept.
    throw new VaultraError(
      "key.bad-identity",
      "An identity that was given is mistyped: its checksum is wrong",
      {
        hint: "Give the file that vaultra key generate or age-keygen wrote.",
      },
    );
  }
}
