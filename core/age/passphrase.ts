/**
 * Encryption with a passphrase: age's `scrypt` stanza (https://age-encryption.org/v1, "The scrypt recipient type").
 * By node:crypto rather than age-encryption's own: it takes the time off this thread, and wraps a key that is given.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import type { Identity, Recipient } from "age-encryption";
import { VaultraError } from "../errors.ts";
import { joinBlocks } from "../streams/blocks.ts";
import { damagedHeader } from "./header.ts";

/** The work that a passphrase costs, as the logarithm of scrypt's N, where nothing else is said: age's own. */
export const WORK_FACTOR = 18;

/** The most work that is done for an archive from outside: 1 GiB of memory and some seconds. */
const MAX_WORK_FACTOR = 20;

const CIPHER = "chacha20-poly1305";
const TAG_BYTES = 16;
const WRAPPED_BYTES = 16 + TAG_BYTES;
/** Each wrapping key is used once. */
const ZERO_NONCE = new Uint8Array(12);

/** Wraps file keys with a passphrase. */
export function passphraseRecipient(passphrase: string, workFactor: number): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const key = await wrappingKey(passphrase, salt, workFactor);
      const cipher = createCipheriv(CIPHER, key, ZERO_NONCE, { authTagLength: TAG_BYTES });
      const wrapped = [cipher.update(fileKey), cipher.final(), cipher.getAuthTag()];
      const args = ["scrypt", unpadded(salt), String(workFactor)];
      return [{ args, body: joinBlocks(wrapped) }];
    },
  };
}

/** Unwraps file keys with a passphrase. Its caller has checked the stanza with {@linkcode checkScrypt}. */
export function passphraseIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey([stanza]) {
      const { args: [, salt = "", workFactor], body } = stanza!;
      if (body.length !== WRAPPED_BYTES) throw damagedHeader("its scrypt stanza is malformed");
      const key = await wrappingKey(passphrase, Uint8Array.fromBase64(salt), Number(workFactor));
      const decipher = createDecipheriv(CIPHER, key, ZERO_NONCE, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(body.subarray(-TAG_BYTES));
      const fileKey = decipher.update(body.subarray(0, -TAG_BYTES));
      try {
        decipher.final();
      } catch {
        return null;
      }
      return new Uint8Array(fileKey);
    },
  };
}

/** Whether a header's stanzas say that a passphrase opens it. */
export function isScrypt(stanzas: readonly (readonly string[])[]): boolean {
  return stanzas.some(([kind]) => kind === "scrypt");
}

/**
 * Whether a header is of a passphrase; its stanza then is the only one and costs no more work than is done.
 * @throws {VaultraError} `damaged.age-header`, `key.work-factor`
 */
export function checkScrypt(stanzas: readonly (readonly string[])[]): boolean {
  const stanza = stanzas.find(([kind]) => kind === "scrypt");
  if (stanza === undefined) return false;
  const [, salt = "", workFactor = ""] = stanza;
  if (stanzas.length > 1) throw damagedHeader("a passphrase stands beside other stanzas");
  if (stanza.length !== 3 || !/^[A-Za-z0-9+/]{21}[AQgw]$/.test(salt) || !/^[1-9]\d{0,9}$/.test(workFactor)) {
    throw damagedHeader("its scrypt stanza is malformed");
  }
  if (Number(workFactor) > MAX_WORK_FACTOR) {
    throw new VaultraError(
      "key.work-factor",
      `The archive's passphrase costs a work factor of ${workFactor}, more than the ${MAX_WORK_FACTOR} that is done`,
      {
        hint:
          "Such an archive was not made by Vaultra. Decrypt it with age if you trust where it comes from.",
      },
    );
  }
  return true;
}

/** scrypt with age's parameters. */
function wrappingKey(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Uint8Array> {
  const N = 2 ** workFactor;
  const label = new Uint8Array([...new TextEncoder().encode("age-encryption.org/v1/scrypt"), ...salt]);
  const options = { N, r: 8, p: 1, maxmem: 2 * 128 * 8 * N };
  return new Promise((resolve, reject) =>
    scrypt(passphrase, label, 32, options, (error, key) => error === null ? resolve(key) : reject(error))
  );
}

function unpadded(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}
