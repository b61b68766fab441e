/**
 * What a plugin may touch. Every list is closed: what is absent is denied.
 *
 * @module
 */

/** The reach that a plugin asks for, the narrowest for one configuration. */
export interface Permissions {
  /** `host:port` entries. */
  readonly net?: readonly string[];
  /** Absolute paths of files or folders that may be read. */
  readonly read?: readonly string[];
  /** Absolute paths of files or folders that may be written. */
  readonly write?: readonly string[];
  /** Names of environment variables, copied into the Worker's shimmed environment; never granted whole. */
  readonly env?: readonly string[];
  /** Kinds of system information (`hostname`, `osRelease`, `uid`, `homedir`, `cpus`, `statfs`). */
  readonly sys?: readonly ("hostname" | "osRelease" | "uid" | "homedir" | "cpus" | "statfs")[];
}

/** What a service is opened for: permissions differ between reading a database and writing one. */
export type Purpose = "backup" | "restore" | "inspect";
