/**
 * Making keys: one of age that opens archives, as `age-keygen` writes it, or one of Ed25519 that signs records.
 *
 * @module
 */
import { generateSigningKey } from "./signing/signing_key.ts";

/** A key that was made. */
export interface GeneratedKey {
  /** What its file holds. Secret. */
  readonly text: string;
  /** Its public half: `age1…` or `ed25519:…`. */
  readonly publicKey: string;
}

/** Makes a key of age, an X25519 identity. */
export async function generateIdentity(now: Date): Promise<GeneratedKey> {
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const identity = await generateX25519Identity();
  const publicKey = await identityToRecipient(identity);
  const created = now.toISOString().replace(/\.\d+/, "");
  return { text: `# created: ${created}\n# public key: ${publicKey}\n${identity}\n`, publicKey };
}

/** Makes a key that signs, PKCS #8 in PEM. */
export async function generateSigner(): Promise<GeneratedKey> {
  const { pem, publicKey } = await generateSigningKey();
  return { text: pem, publicKey };
}
