import type { Recipient } from "age-encryption";
import type { Encryption } from "../config/job.ts";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { isHeaderOf, MAX_HEADER_BYTES, NONCE_BYTES, parseAgeHeader } from "./header.ts";
import { passphraseRecipient, WORK_FACTOR } from "./passphrase.ts";
import { checkRecipient } from "./recipients.ts";

/** How a header is made. */
export interface SealHeaderOptions {
  /** The file key, 16 bytes, when an archive that exists gets another header; default: a new one. */
  readonly fileKey?: Bytes;
  /** What a passphrase costs, as the logarithm of scrypt's N; default: age's 18. */
  readonly workFactor?: number;
}

/** A header, and the key that it wraps. Secret. */
export interface SealedHeader {
  readonly header: Bytes;
  readonly fileKey: Bytes;
}

/** The authentication tag of the empty payload that the library appends. */
const EMPTY_PAYLOAD_BYTES = 16;

/**
 * Makes the header of an age file: wraps a file key for recipients, or with a passphrase.
 * @throws {VaultraError} `config.recipient`, `config.recipients` when there are too many for one header
 */
export async function sealHeader(
  encryption: Encryption,
  { fileKey = crypto.getRandomValues(new Uint8Array(16)), workFactor = WORK_FACTOR }: SealHeaderOptions = {},
): Promise<SealedHeader> {
  for (const recipient of encryption.recipients ?? []) await checkRecipient(recipient);
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.addRecipient(bringing(fileKey));
  if (encryption.recipients === undefined) {
    encrypter.addRecipient(passphraseRecipient(encryption.passphrase, workFactor));
  } else {
    for (const recipient of encryption.recipients) encrypter.addRecipient(recipient);
  }
  const file = await encrypter.encrypt(new Uint8Array(0));
  const bytes = new Uint8Array(file.subarray(0, file.length - NONCE_BYTES - EMPTY_PAYLOAD_BYTES));
  if (bytes.length > MAX_HEADER_BYTES) {
    throw new VaultraError(
      "config.recipients",
      `An archive cannot be encrypted to ${encryption.recipients?.length} recipients`,
      {
        hint: "Encrypt to fewer, whose identity several people share if need be.",
      },
    );
  }
  // Never trust that the library took the key: an archive whose header wraps another one is lost.
  if (!isHeaderOf(parseAgeHeader(bytes), fileKey)) {
    throw new VaultraError("internal", "The header of an encrypted archive wraps another key than its own");
  }
  return { header: bytes, fileKey };
}

/**
 * A recipient of nobody's that makes the library wrap this file key instead of the one that it drew, which it hands to its
 * recipients one after the other.
 */
function bringing(fileKey: Uint8Array): Recipient {
  return {
    wrapFileKey(drawn) {
      drawn.set(fileKey);
      return [];
    },
  };
}
