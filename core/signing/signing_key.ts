/**
 * Ed25519 keys (RFC 8032): the private one as OpenSSL keeps it, PKCS #8 in PEM (RFC 8410), the public one by a name of one line.
 *
 * @module
 */
import { z } from "zod";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";

/** A public key's name: `ed25519:` and the base64 of its 32 bytes, of which there is one spelling. */
export const publicKeyName = z.string().regex(
  /^ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  'must be a public key such as "ed25519:3q2+7w…="',
);

/** The longest PEM that is read; a key of one line has 120 characters. */
const MAX_PEM = 16 << 10;
const PREFIX = "ed25519:";

/** A private key, which signs. Secret. */
export class SigningKey {
  /** The name of its public key, `ed25519:<base64>`. */
  readonly publicKey: string;
  readonly #key: CryptoKey;

  private constructor(key: CryptoKey, publicKey: string) {
    this.#key = key;
    this.publicKey = publicKey;
  }

  /**
   * The key in a PEM file's text, in which other lines may stand around the key.
   * @throws {VaultraError} `config.signing-key`
   */
  static async parse(pem: string): Promise<SigningKey> {
    const block = pem.length > MAX_PEM
      ? null
      : /-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----/.exec(pem);
    if (block === null) {
      throw malformed(
        pem.includes("BEGIN ENCRYPTED PRIVATE KEY")
          ? "it is protected by a passphrase"
          : 'there is no "PRIVATE KEY" in PEM in it',
      );
    }
    try {
      const der = Uint8Array.fromBase64(block[1]!);
      const key = await crypto.subtle.importKey("pkcs8", der, "Ed25519", true, ["sign"]);
      const { x } = await crypto.subtle.exportKey("jwk", key);
      const raw = Uint8Array.fromBase64(x!, { alphabet: "base64url" });
      return new SigningKey(key, nameOf(raw));
    } catch {
      // What was thrown may quote the key.
      throw malformed("it holds no Ed25519 key");
    }
  }

  /** The signature of some bytes, 64 bytes. */
  async sign(bytes: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.#key, bytes));
  }
}

/** Makes a key. Its PEM, which is secret, is what {@linkcode SigningKey.parse} and `openssl pkey` read. */
export async function generateSigningKey(): Promise<{ readonly pem: string; readonly publicKey: string }> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const { privateKey, publicKey } = pair as CryptoKeyPair;
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  // 48 bytes make 64 characters: the one line that RFC 7468 allows.
  const pem = `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----\n`;
  return { pem, publicKey: nameOf(raw) };
}

/**
 * Whether a key signed these bytes.
 * @param publicKey As {@linkcode publicKeyName} accepts it.
 */
export async function isSignedBy(publicKey: string, signature: Bytes, bytes: Bytes): Promise<boolean> {
  const raw = Uint8Array.fromBase64(publicKeyName.parse(publicKey).slice(PREFIX.length));
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", key, signature, bytes);
}

function nameOf(raw: Uint8Array): string {
  return PREFIX + raw.toBase64();
}

function malformed(why: string): VaultraError {
  return new VaultraError("config.signing-key", `The signing key cannot be used: ${why}`, {
    hint: "Make one with vaultra key generate --signing, or with openssl genpkey -algorithm ed25519.",
  });
}
