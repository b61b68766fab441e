/**
 * Takes from a plugin's Worker what leads around its permissions, before the plugin is imported. Under `deno run` the
 * runtime itself denies what these would reach; in the executable of Deno 2.7 this is the guard. docs/security.md
 * tells the whole of it.
 *
 * @module
 */
import process from "node:process";

/** What hardening needs to know. */
export interface Hardening {
  /** The variables that `process.env` shows. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes what the plugin prints. */
  readonly print: (level: "debug" | "info" | "warn", text: string) => void;
  /** Told when the plugin tries to end the Worker or the process. */
  readonly exited: () => never;
}

/** Hardens this Worker. @throws {Error} When something cannot be taken away; the plugin must not be run then. */
export function harden({ env, print, exited }: Hardening): void {
  const internal = (Deno as unknown as { readonly internal?: symbol }).internal;
  // A nested Worker's first module, Node's own modules and the runtime's internals are not checked by permissions.
  remove(globalThis, "Worker");
  remove(process, "getBuiltinModule");
  remove(Object.getPrototypeOf(process), "getBuiltinModule");
  remove(process, "binding");
  remove(process, "_linkedBinding");
  remove(process, "dlopen");
  remove(process, "mainModule");
  if (internal !== undefined) remove(Deno, internal);
  // Asking would put a question to the person at the terminal.
  remove(Deno, "permissions");

  for (const name of ["exit", "kill"]) replace(Deno, name, exited);
  for (const name of ["exit", "reallyExit", "abort", "kill"]) replace(process, name, exited);
  replace(globalThis, "close", exited);

  replace(process, "env", { ...env });
  replaceIdentity();
  replaceConsole(print);
}

/** Removes a property, or leaves `undefined` in its place where it is inherited. */
function remove(from: object, name: PropertyKey): void {
  Reflect.deleteProperty(from, name);
  if (Reflect.get(from, name) !== undefined) replace(from, name, undefined);
}

function replace(on: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(on, name, { value, writable: true, configurable: true, enumerable: true });
}

/** SDKs ask for the user's number to warn of root; without the permission they get the one of nobody. */
function replaceIdentity(): void {
  for (const name of ["getuid", "geteuid", "getgid", "getegid"] as const) {
    const get = process[name];
    if (get === undefined) continue;
    replace(process, name, () => {
      try {
        return get();
      } catch {
        // The permission is not granted.
        return 65_534;
      }
    });
  }
}

/** What a plugin prints goes to its log: standard output carries results, and scripts of a restore. */
function replaceConsole(print: Hardening["print"]): void {
  const text = (values: readonly unknown[]) =>
    values.map((value) => typeof value === "string" ? value : Deno.inspect(value, { depth: 2 })).join(" ");
  for (
    const [name, level] of Object.entries(
      {
        debug: "debug",
        log: "debug",
        info: "info",
        warn: "warn",
        error: "warn",
        trace: "debug",
        dir: "debug",
        table: "debug",
      } as const,
    )
  ) {
    replace(console, name, (...values: unknown[]) => print(level, text(values)));
  }
  const decoder = new TextDecoder();
  const written = (bytes: Uint8Array) => {
    print("debug", decoder.decode(bytes));
    return bytes.length;
  };
  const output = {
    writeSync: written,
    write: (bytes: Uint8Array) => Promise.resolve(written(bytes)),
    isTerminal: () => false,
    close: () => {},
  };
  replace(Deno, "stdout", output);
  replace(Deno, "stderr", output);
  remove(Deno, "stdin");
  const nodeOutput = {
    isTTY: false,
    fd: -1,
    write: (chunk: unknown) => (print("debug", String(chunk)), true),
  };
  replace(process, "stdout", nodeOutput);
  replace(process, "stderr", nodeOutput);
  remove(process, "stdin");
}
