import { hostname } from "node:os";
import type { BackupOwner } from "../core/backup.ts";

/** This process, as it names itself in locks. */
export function lockOwner(): BackupOwner {
  return { host: hostname(), pid: Deno.pid };
}
