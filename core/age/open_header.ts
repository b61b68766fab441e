import type { Identity } from "age-encryption";
import { toVaultraError, VaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type AgeHeader, damagedHeader, isHeaderOf } from "./header.ts";
import type { KeyHeader } from "./key_headers.ts";
import { checkScrypt, isScrypt, passphraseIdentity } from "./passphrase.ts";
import { recipientFingerprint, recipientOf } from "./recipients.ts";

/** What is known of an archive beside its header. */
export interface OpenHeaderOptions {
  /** Whom its record says it is encrypted to, as fingerprints. */
  readonly recipients?: readonly string[] | undefined;
  /** Headers that wrap its file key for others. Asked for when the archive's own does not open. */
  readonly others?: (() => Promise<readonly KeyHeader[]>) | undefined;
  /** Whether a key is taken that the archive's own header does not prove, when that one is damaged; default: it is refused. */
  readonly unproven?: boolean | undefined;
}

/**
 * The file key of an archive, by its own header or another one that wraps it. Passphrases are tried on the archive's own
 * header alone, and a person is asked for one only when nothing that was given opens any header.
 * @throws {VaultraError} `key.missing`, `key.wrong-identity`, `key.wrong-passphrase`, `key.work-factor`, `key.bad-identity`;
 * `damaged.age-header` when the header was changed, which also shows in an identity that the record names and that opens nothing
 */
export async function openHeader(
  own: AgeHeader,
  keys: Keyring,
  { recipients = [], others = () => Promise.resolve([]), unproven = false }: OpenHeaderOptions = {},
): Promise<Bytes> {
  // Checked one by one, because the library's errors would quote them.
  const ownRecipients = await Promise.all(keys.identities.map(recipientOf));
  let damage: VaultraError | undefined;
  try {
    const fileKey = await openWith(own, keys);
    if (fileKey !== null) return fileKey;
  } catch (error) {
    damage = toVaultraError(error);
    if (!unproven || damage.family !== "damaged") throw error;
  }
  const headers = await others();
  const fileKey = await openKeyHeaders(headers, keys, own, unproven);
  if (fileKey !== null) return fileKey;
  if (damage !== undefined) throw damage;
  const byPassphrase = checkScrypt(own.stanzas);
  if (byPassphrase && keys.ask !== undefined) {
    const found = await openWith(own, { identities: [], passphrases: [await keys.ask()] });
    if (found === null) throw wrongPassphrase();
    return found;
  }
  const given = ownRecipients.map(recipientFingerprint);
  throw unopened(keys, { byPassphrase, rotated: headers.length > 0, recipients, given });
}

/**
 * The file key by one of the headers beside the archive, or `null` when nothing that was given opens one. What is of no use
 * is passed over, for anything may have been put there: a header of another archive, or one that costs as much work as its
 * maker likes.
 * @throws {VaultraError} `damaged.age-header` when none opens it, and one is damaged or wraps another key
 */
async function openKeyHeaders(
  headers: readonly KeyHeader[],
  { identities }: Keyring,
  own: AgeHeader,
  unproven: boolean,
): Promise<Bytes | null> {
  let last: Bytes | null = null;
  let damage: VaultraError | undefined;
  for (const header of headers) {
    if (isScrypt(header.stanzas)) {
      header.passOver("a passphrase opens it, which is never so");
      continue;
    }
    try {
      const fileKey = await openWith(header, { identities, passphrases: [] });
      if (fileKey === null) continue;
      if (isHeaderOf(own, fileKey)) return fileKey;
      if (unproven) {
        last ??= fileKey;
        continue;
      }
      header.passOver("it wraps the key of another archive");
      damage ??= damagedHeader("it is not of the key that its other headers wrap");
    } catch (error) {
      header.passOver("it is damaged");
      damage ??= toVaultraError(error);
    }
  }
  if (last === null && damage !== undefined) throw damage;
  return last;
}

/** The file key, or `null` when nothing that was given opens the header. */
async function openWith(header: AgeHeader, { identities, passphrases }: Keyring): Promise<Bytes | null> {
  const { Decrypter } = await import("age-encryption");
  const fitting: readonly (string | Identity)[] = checkScrypt(header.stanzas)
    ? passphrases.map(passphraseIdentity)
    : identities;
  const decrypter = new Decrypter();
  for (const identity of fitting) decrypter.addIdentity(identity);
  let isOpened = true;
  // Identities are tried in their order: when this one is, none before it opened the header.
  decrypter.addIdentity({
    unwrapFileKey() {
      isOpened = false;
      return null;
    },
  });
  try {
    return new Uint8Array(await decrypter.decryptHeader(header.bytes));
  } catch (error) {
    if (!isOpened) return null;
    // Any other failure is a stanza that is malformed, or a MAC that is not of the key that was found.
    throw error instanceof VaultraError ? error : damagedHeader("its parts do not fit each other", error);
  }
}

/** What did not open. */
interface Unopened {
  /** Whether the archive's own header is of a passphrase. */
  readonly byPassphrase: boolean;
  /** Whether there are other headers. */
  readonly rotated: boolean;
  readonly recipients: readonly string[];
  /** Recipients of the identities that were given, as fingerprints. */
  readonly given: readonly string[];
}

/** Why nothing that was given opens any of the headers. */
function unopened(
  { identities, passphrases, unreadable = [] }: Keyring,
  { byPassphrase, rotated, recipients, given }: Unopened,
): VaultraError {
  if (given.some((fingerprint) => recipients.includes(fingerprint))) {
    return damagedHeader("the identity that its record names does not open it");
  }
  if (byPassphrase && passphrases.length > 0) return wrongPassphrase();
  const to = byPassphrase || recipients.length === 0 ? "" : ` It is encrypted to ${recipients.join(", ")}.`;
  const since = rotated
    ? " It was rotated since: the identities of the last rotation's recipients open it, too."
    : "";
  const lacking = unreadable.map((why) => `\nNot used: ${why}.`).join("");
  if (identities.length > 0 && (rotated || !byPassphrase)) {
    return new VaultraError(
      "key.wrong-identity",
      "None of the identities that were given opens the archive",
      {
        hint: `Give ${
          byPassphrase ? "its passphrase, or " : ""
        }the identity file of one of its recipients with --identity-file.${to}${since}${lacking}`,
        details: { recipients, given, rotated },
      },
    );
  }
  const what = byPassphrase ? "a passphrase" : "an identity";
  return new VaultraError(
    "key.missing",
    `The archive is encrypted, and ${what} that opens it was not given`,
    {
      hint: byPassphrase
        ? `Give the passphrase's file with --passphrase-file, or run the command at a terminal.${since}${lacking}`
        : `Give an identity file with --identity-file.${to}${since}${lacking}`,
      details: { recipients, rotated },
    },
  );
}

function wrongPassphrase(): VaultraError {
  return new VaultraError("key.wrong-passphrase", "The passphrase does not open the archive", {
    hint: "Type it again. If it is surely the right one, the archive's header is damaged: use another copy.",
  });
}
