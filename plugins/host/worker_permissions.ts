import type { Permissions } from "../../core/permissions.ts";

/** A Worker's permissions: lists of what is allowed, `false` for nothing. */
export interface WorkerPermissions {
  readonly net: string[] | false;
  readonly read: string[] | false;
  readonly write: string[] | false;
  readonly sys: string[] | false;
  readonly env: false;
  readonly run: false;
  readonly ffi: false;
  readonly import: false;
}

/**
 * What a plugin asked for as permissions of its Worker. Variables are handed over as values, so `env` stays closed
 * like programs, native code and remote modules.
 */
export function workerPermissions(asked: Permissions): WorkerPermissions {
  return {
    net: allowed(asked.net),
    read: allowed(asked.read),
    write: allowed(asked.write),
    sys: allowed(asked.sys),
    env: false,
    run: false,
    ffi: false,
    import: false,
  };
}

function allowed(list: readonly string[] = []): string[] | false {
  return list.length === 0 ? false : [...list];
}
