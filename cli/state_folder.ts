import { join } from "node:path";

/**
 * A folder for what Vaultra keeps on this machine: `$XDG_STATE_HOME/vaultra/<name>`, `%LOCALAPPDATA%\\vaultra\\<name>` on
 * Windows; `undefined` on a machine without a home.
 */
export function stateFolder(env: Readonly<Record<string, string>>, name: string): string | undefined {
  if (Deno.build.os === "windows") {
    const data = env["LOCALAPPDATA"];
    return data === undefined ? undefined : join(data, "vaultra", name);
  }
  const state = env["XDG_STATE_HOME"] || (env["HOME"] && join(env["HOME"], ".local", "state"));
  return state ? join(state, "vaultra", name) : undefined;
}
