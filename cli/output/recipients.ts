import { PASSPHRASE, recipientFingerprint } from "../../core/age/recipients.ts";
import type { BackupRecord } from "../../core/archive/format.ts";
import type { ConfigFile } from "../../core/config/config_file.ts";
import { countOf } from "./units.ts";

/** What opens a backup, in short: `encrypted to 2 recipients`. */
export function encryptionText({ encryption }: BackupRecord): string {
  if (encryption === undefined) return "not encrypted";
  return encryption.recipients.includes(PASSPHRASE)
    ? "encrypted with a passphrase"
    : `encrypted to ${countOf(encryption.recipients.length, "recipient")}`;
}

/** What opens a backup: recipients by their fingerprints, and by the configuration's names for them. */
export function recipientsText({ encryption }: BackupRecord, file: ConfigFile | undefined): string {
  if (encryption === undefined) return "no";
  const names = new Map(
    Object.entries(file?.keys ?? {}).map(([name, { recipient }]) => [recipientFingerprint(recipient), name]),
  );
  return encryption.recipients.map((fingerprint) => {
    const name = names.get(fingerprint);
    if (fingerprint === PASSPHRASE) return "with a passphrase";
    return name === undefined ? `to ${fingerprint}` : `to ${name} (${fingerprint})`;
  }).join(", ");
}
