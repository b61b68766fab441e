/**
 * Where everything lies in a store, as docs/archive-format.md defines it: the one place that makes keys and
 * the one that reads them.
 *
 * @module
 */
import { z } from "zod";
import { codecNamed } from "../archive/codecs.ts";
import { backupId, type Compression, compressions, jobName } from "../archive/format.ts";

/** A mark's name: `pinned`, or one with its time such as `verified-full-20261124t064758z`. */
const markName = z.string().regex(/^[a-z][a-z0-9-]{0,60}$/);

/** A backup as its keys name it. */
export interface Named {
  readonly job: string;
  readonly id: string;
}

/** What a key stands for. */
export type ParsedKey =
  | { readonly kind: "archive" | "record" | "signature"; readonly job: string; readonly id: string }
  | { readonly kind: "mark"; readonly job: string; readonly id: string; readonly mark: string }
  | { readonly kind: "key-header"; readonly job: string; readonly id: string; readonly time: string }
  | { readonly kind: "run" | "drill"; readonly job: string; readonly name: string }
  | { readonly kind: "lock"; readonly job: string };

/** The prefix of all keys of a job, but for its lock. */
export function jobPrefix(job: string): string {
  return `${jobName.parse(job)}/`;
}

/** The archive of a backup. */
export function archiveKey(job: string, id: string, compression: Compression, encrypted: boolean): string {
  return `${jobPrefix(job)}${backupId.parse(id)}${codecNamed(compression).extension}${
    encrypted ? ".age" : ""
  }`;
}

/** The archive that a record names. */
export function archiveKeyOf(
  record: { readonly job: string; readonly archive: { readonly name: string } },
): string {
  return `${jobPrefix(record.job)}${record.archive.name}`;
}

/** The record of a backup: the commit mark. */
export function recordKey(job: string, id: string): string {
  return `${jobPrefix(job)}${backupId.parse(id)}.json`;
}

/** The Ed25519 signature of a backup's record. */
export function signatureKey(job: string, id: string): string {
  return `${jobPrefix(job)}${backupId.parse(id)}.sig`;
}

/** The record and the signature beside an archive, in a store that may begin at any folder above it. */
export function besideArchive(
  archive: string,
  id: string,
): { readonly record: string; readonly signature: string; readonly keyHeaders: string } {
  const folder = archive.slice(0, archive.lastIndexOf("/") + 1);
  const name = backupId.parse(id);
  return {
    record: `${folder}${name}.json`,
    signature: `${folder}${name}.sig`,
    keyHeaders: `${folder}keys/${name}.`,
  };
}

/** The prefix of a job's marks, or of one backup's. */
export function marksPrefix(job: string, id?: string): string {
  return `${jobPrefix(job)}marks/${id === undefined ? "" : `${backupId.parse(id)}.`}`;
}

/** A mark of a backup, such as `pinned`. */
export function markKey(job: string, id: string, mark: string): string {
  return `${marksPrefix(job, id)}${markName.parse(mark)}`;
}

/** The prefix of a job's key headers, or of one backup's. */
export function keyHeadersPrefix(job: string, id?: string): string {
  return `${jobPrefix(job)}keys/${id === undefined ? "" : `${backupId.parse(id)}.`}`;
}

/** An age header that wraps an archive's file key for other recipients than its own header does (`key rotate`). */
export function keyHeaderKey(job: string, id: string, time: Date): string {
  return `${keyHeadersPrefix(job, id)}${compactTime(time)}.age`;
}

/** The prefix of a job's runs. */
export function runsPrefix(job: string): string {
  return `${jobPrefix(job)}runs/`;
}

/**
 * The document of a run.
 * @param suffix Tells runs of the same second apart.
 */
export function runKey(job: string, started: Date, suffix = ""): string {
  return `${runsPrefix(job)}${compactTime(started)}${suffix === "" ? "" : `-${suffix}`}.json`;
}

/** The lock of a job. */
export function lockKey(job: string): string {
  return `.locks/${jobName.parse(job)}`;
}

/** An object that asks the store for its time. No job's name begins with a dot, so it is no job's lock. */
export function clockKey(token: string): string {
  return `.locks/.clock-${token}`;
}

/** A time as it stands in keys: `20261124T064758Z`. */
export function compactTime(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, "");
}

/** What a key stands for, or `undefined` for an object that is none of Vaultra's. */
export function parseKey(key: string): ParsedKey | undefined {
  const [job = "", ...rest] = key.split("/");
  if (job === ".locks") {
    const [name = ""] = rest;
    return rest.length === 1 && jobName.safeParse(name).success ? { kind: "lock", job: name } : undefined;
  }
  if (!jobName.safeParse(job).success) return undefined;
  const [first = "", second] = rest;
  if (rest.length === 1) return parseBackupFile(job, first);
  if (rest.length !== 2 || second === undefined) return undefined;
  if (first === "marks") {
    const dot = second.indexOf(".");
    const [id, mark] = [second.slice(0, Math.max(dot, 0)), second.slice(dot + 1)];
    return isId(id) && markName.safeParse(mark).success ? { kind: "mark", job, id, mark } : undefined;
  }
  if (first === "keys") {
    const [id = "", time] = second.split(/\.(?=\d{8}T\d{6}Z\.age$)/);
    return isId(id) && time !== undefined
      ? { kind: "key-header", job, id, time: time.replace(/\.age$/, "") }
      : undefined;
  }
  const name = /^(\d{8}T\d{6}Z(?:-[0-9a-f]{1,16})?)\.json$/.exec(second)?.[1];
  if (name === undefined || (first !== "runs" && first !== "drills")) return undefined;
  return { kind: first === "runs" ? "run" : "drill", job, name };
}

function parseBackupFile(job: string, file: string): ParsedKey | undefined {
  const dot = file.indexOf(".");
  const [id, extension] = [file.slice(0, Math.max(dot, 0)), file.slice(dot)];
  if (!isId(id)) return undefined;
  if (extension === ".json") return { kind: "record", job, id };
  if (extension === ".sig") return { kind: "signature", job, id };
  const plain = extension.replace(/\.age$/, "");
  return compressions.some((name) => codecNamed(name).extension === plain)
    ? { kind: "archive", job, id }
    : undefined;
}

function isId(text: string): boolean {
  return backupId.safeParse(text).success;
}
