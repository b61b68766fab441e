import assert from "node:assert/strict";
import { parseConfig } from "../../core/config/config_file.ts";
import type { BackupRecord } from "../../core/archive/format.ts";
import { encryptionText, recipientsText } from "./recipients.ts";

const recipient = "age1nexe30fu9kcafvglmtdm9g0rf5yq02azu0qdrvzr2fuw66r47vqsqa5lx3";

function record(...recipients: string[]): BackupRecord {
  return (recipients.length === 0 ? {} : { encryption: { recipients } }) as unknown as BackupRecord;
}

Deno.test("encryptionText() says in short what opens a backup", () => {
  assert.equal(encryptionText(record()), "not encrypted");
  assert.equal(encryptionText(record("passphrase")), "encrypted with a passphrase");
  assert.equal(encryptionText(record("0".repeat(16))), "encrypted to 1 recipient");
  assert.equal(encryptionText(record("0".repeat(16), "1".repeat(16))), "encrypted to 2 recipients");
});

Deno.test("recipientsText() names the recipients that the configuration knows", async () => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(recipient));
  const fingerprint = new Uint8Array(digest).toHex().slice(0, 16);
  const file = parseConfig(`version: 1\nkeys: { backup: { recipient: ${recipient} } }`, "vaultra.yaml");
  const both = record(fingerprint, "0".repeat(16));
  assert.equal(recipientsText(both, file), `to backup (${fingerprint}), to 0000000000000000`);
  assert.equal(recipientsText(both, undefined), `to ${fingerprint}, to 0000000000000000`);
  assert.equal(recipientsText(record("passphrase"), file), "with a passphrase");
  assert.equal(recipientsText(record(), file), "no");
});
