/**
 * Signatures of records. A record holds the size and the SHA-256 of its archive, the hash of its manifest and that of its
 * parent's record: whoever signs it vouches for all of them.
 *
 * @module
 */
import { z } from "zod";
import { parseDocument } from "../archive/parse_document.ts";
import { type BackupRecord, FORMAT_VERSION } from "../archive/format.ts";
import { readIfThere, readSmall } from "../catalog/read_small.ts";
import { documentBytes, MAX_RECORD_BYTES, readRecord, recordBytes } from "../catalog/record.ts";
import { toVaultraError, VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Operation } from "../operation.ts";
import type { ObjectReader } from "../store.ts";
import type { Bytes } from "../streams/bytes.ts";
import { isSignedBy, publicKeyName, type SigningKey } from "./signing_key.ts";

/** The longest signature document that is read: 4 KiB. */
const MAX_SIGNATURE_BYTES = 4 << 10;

/** `<id>.sig`: who signed the record, and the Ed25519 signature of its bytes in base64. */
const signatureDocument = z.object({
  format: z.literal(FORMAT_VERSION),
  key: publicKeyName,
  signature: z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/),
});
type SignatureDocument = z.infer<typeof signatureDocument>;

/** The bytes of the signature document of a record's bytes. */
export async function signRecord(record: Bytes, key: SigningKey): Promise<Bytes> {
  const signature = (await key.sign(record)).toBase64();
  return documentBytes({ format: FORMAT_VERSION, key: key.publicKey, signature } satisfies SignatureDocument);
}

/** Where the record and its signature lie. */
export interface SignedKeys {
  readonly record: string;
  readonly signature: string;
}

/**
 * Checks that one of the trusted keys signed a record, as its bytes are stored. Where signatures are not asked for, one that
 * is there and is wrong gives a warning.
 * @param record As it was read before: the stored bytes must still tell the same.
 * @throws {VaultraError} `signature.missing`, `signature.untrusted`, `signature.invalid`; `damaged.record`
 */
export async function checkSignature(
  store: ObjectReader,
  keys: SignedKeys,
  record: BackupRecord,
  { trusted, listener }: Pick<Operation, "trusted" | "listener">,
): Promise<void> {
  const title = `"${record.job}/${record.id}"`;
  try {
    const document = await readSignature(store, keys.signature, title);
    if (document === undefined) {
      if (trusted === undefined) return;
      throw new VaultraError("signature.missing", `The backup ${title} is not signed`, {
        hint: "It was made without a key, or its signature was taken away. signing.trusted asks for one.",
      });
    }
    if (trusted !== undefined && !trusted.includes(document.key)) {
      throw new VaultraError(
        "signature.untrusted",
        `The backup ${title} was signed by a key that is not trusted: ${document.key}`,
        {
          hint:
            "If you know whose key it is, add it to signing.trusted. Otherwise do not restore this backup.",
        },
      );
    }
    const bytes = await readSmall(store, keys.record, MAX_RECORD_BYTES, "damaged.record");
    refuseOther(readRecord(bytes, record), record);
    if (await isSignedBy(document.key, Uint8Array.fromBase64(document.signature), bytes)) return;
    throw new VaultraError("signature.invalid", `The signature of ${title} is not one of its record`, {
      hint: OTHER_BACKUP,
    });
  } catch (thrown) {
    const error = toVaultraError(thrown);
    const { family, code, message, hint } = error;
    const isAboutSignature = family === "signature" || code === "damaged.newer-format";
    if (trusted !== undefined || !isAboutSignature) throw error;
    listener({ type: "warning", code, message, ...(hint === undefined ? {} : { hint }) });
  }
}

/**
 * Refuses an archive that is read without its record, when signatures are asked for: it has none.
 * @throws {VaultraError} `signature.missing`
 */
export function refuseUnsigned({ trusted }: Operation): void {
  if (trusted === undefined) return;
  throw new VaultraError(
    "signature.missing",
    "The archive is read without its record, so nobody has signed it",
    {
      hint:
        "Name the backup in its store. To read the archive all the same, use a configuration without signing.",
    },
  );
}

/** @returns `undefined` when there is none */
async function readSignature(
  store: ObjectReader,
  key: string,
  title: string,
): Promise<SignatureDocument | undefined> {
  const bytes = await readIfThere(store, key, MAX_SIGNATURE_BYTES, "signature.invalid");
  if (bytes === undefined) return undefined;
  return parseDocument(bytes, signatureDocument, {
    what: `The signature of ${title}`,
    code: "signature.invalid",
    maxBytes: MAX_SIGNATURE_BYTES,
    hint: OTHER_BACKUP,
  });
}

/** A store that gives another record at each look would have one checked and another one used. */
function refuseOther(stored: BackupRecord, record: BackupRecord): void {
  if (recordBytes(stored).toHex() === recordBytes(record).toHex()) return;
  throw new VaultraError(
    "damaged.record",
    `The record of "${record.job}/${record.id}" changed while it was read`,
    {
      hint: "No record is ever changed: see who writes to the store, and read another copy of this backup.",
    },
  );
}
