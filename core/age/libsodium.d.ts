/** What is used of libsodium, which has no types: addresses are places in its memory, lengths come in two halves. */
export interface Libsodium {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  /** Writes `length` bytes and a tag; in place is allowed. */
  _crypto_aead_chacha20poly1305_ietf_encrypt(
    ...args: [
      to: number,
      written: 0,
      from: number,
      length: number,
      0,
      ...noData: [0, 0, 0],
      0,
      nonce: number,
      key: number,
    ]
  ): number;
  /** @returns 0, or -1 when the tag is not of these bytes. */
  _crypto_aead_chacha20poly1305_ietf_decrypt(
    ...args: [
      to: number,
      written: 0,
      0,
      from: number,
      length: number,
      0,
      ...noData: [0, 0, 0],
      nonce: number,
      key: number,
    ]
  ): number;
}

/** Makes an instance of the module. */
export default function instantiate(): Promise<Libsodium>;
