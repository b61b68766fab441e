import { type BackupRecord, backupRecord } from "../archive/format.ts";
import { parseDocument } from "../archive/parse_document.ts";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { archiveKey } from "./keys.ts";

/** The longest record that is read: 1 MiB. */
export const MAX_RECORD_BYTES = 1 << 20;

/** A document's bytes: JSON with sorted keys and no spaces (RFC 8785), and a newline. */
export function documentBytes(document: unknown): Bytes {
  return new TextEncoder().encode(`${JSON.stringify(document, sortKeys)}\n`);
}

/** `JSON.stringify` asks for every value; objects are given back with their keys in order. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}

/** A record as it is stored. Its hash is what a child names, so that the bytes must never differ. */
export function recordBytes(record: BackupRecord): Bytes {
  return documentBytes(record);
}

/** The type of a backup, as its id tells it. */
export function typeOf(id: string): string | undefined {
  return id.split("-")[1];
}

/**
 * A record from outside, validated.
 * @param expected The job and id that the record's key names: a record that says otherwise was moved or forged.
 * @throws {VaultraError} `damaged.record`; `damaged.newer-format` by its number.
 */
export function readRecord(
  bytes: Uint8Array,
  expected?: { readonly job: string; readonly id: string },
): BackupRecord {
  const name = expected ? ` of "${expected.job}/${expected.id}"` : "";
  const hint = "The archive may be whole: verify it by its own address, or use another copy.";
  const damaged = (why: string) =>
    new VaultraError("damaged.record", `The record${name} cannot be trusted: ${why}`, { hint });
  const record = parseDocument(bytes, backupRecord, {
    what: `The record${name}`,
    code: "damaged.record",
    maxBytes: MAX_RECORD_BYTES,
    hint,
  });
  if (expected && (record.id !== expected.id || record.job !== expected.job)) {
    throw damaged(`it describes "${record.job}/${record.id}"`);
  }
  // Who can read no record, or lists ids alone, goes by the type that the id tells.
  if (record.type !== typeOf(record.id)) throw damaged(`it says that it is ${record.type}, its id does not`);
  const { name: archive, compression } = record.archive;
  const key = archiveKey(record.job, record.id, compression, record.encryption !== undefined);
  if (`${record.job}/${archive}` !== key) throw damaged(`it names the archive "${archive}"`);
  return record;
}
