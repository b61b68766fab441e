/**
 * Errors on their way between a plugin's Worker and its host.
 *
 * @module
 */
import { type ErrorData, type ErrorFamily, exitCodes, VaultraError } from "../../core/errors.ts";

/** Families of errors that a plugin may raise. The others tell of what only `core` decides. */
const families: ReadonlySet<string> = new Set<ErrorFamily>([
  "failed",
  "plugin",
  "usage",
  "config",
  "database",
  "store",
  "damaged",
  "different",
  "key",
  "retention",
  "target",
  "interrupted",
  "terminated",
]);

const MAX_TEXT = 2_000;
const MAX_DETAILS = 16_000;
const MAX_CAUSES = 4;

/** A text that came from a plugin as one line of bounded length, without control characters or terminal commands. */
export function oneLine(text: string, limit = MAX_TEXT): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(terminalCommands, "").replace(spaces, " ").trim();
}

// deno-lint-ignore no-control-regex -- these are what is taken out
const terminalCommands = /\u001b\[[0-9;?]*[@-~]/g;
// deno-lint-ignore no-control-regex -- these are what is taken out
const spaces = /[\s\u0000-\u001f\u007f-\u009f]+/g;

/** Facts that are plain JSON of bounded size, or nothing. */
export function plainFields(value: unknown, limit = MAX_DETAILS): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    const text = JSON.stringify(value);
    const copy: unknown = text.length > limit ? undefined : JSON.parse(text);
    return typeof copy === "object" && copy !== null && !Array.isArray(copy) ? { ...copy } : undefined;
  } catch {
    // Not JSON: bigints, cycles. The error is told without its facts.
    return undefined;
  }
}

/** Whether something is an error of Vaultra's, also of a copy of it that a plugin brought along. */
function isOurs(thrown: Error): thrown is VaultraError {
  if (thrown instanceof VaultraError) return true;
  const { name, code } = thrown as Partial<VaultraError>;
  return (name === "VaultraError" || name === "TransientError") && typeof code === "string" &&
    Object.hasOwn(exitCodes, code.split(".", 1)[0]!);
}

/**
 * What was thrown, as data for the other side. An error that is not Vaultra's becomes `plugin.error` with its
 * message on one line; its causes stay behind, as nobody knows what they hold.
 */
export function toWire(thrown: unknown, causes = MAX_CAUSES): ErrorData {
  if (!(thrown instanceof Error)) {
    return { code: "plugin.error", message: `The plugin threw ${oneLine(String(thrown), 200) || "nothing"}` };
  }
  if (!isOurs(thrown)) {
    // The reason of an abort, wrapped by the runtime.
    if (thrown.cause instanceof VaultraError && thrown.name === "AbortError") return toWire(thrown.cause);
    return { code: "plugin.error", message: oneLine(thrown.message) || oneLine(thrown.name) };
  }
  const details = plainFields(thrown.details);
  return {
    code: thrown.code,
    message: oneLine(thrown.message),
    ...(thrown.hint === undefined ? {} : { hint: oneLine(String(thrown.hint)) }),
    ...(thrown.transient ? { transient: true } : {}),
    ...(details === undefined ? {} : { details }),
    ...(thrown.cause === undefined || causes === 0 ? {} : { cause: toWire(thrown.cause, causes - 1) }),
  };
}

/** The error that a plugin's Worker sent, whatever it sent: bounded, on one line, of a family that it may raise. */
export function fromWire(data: unknown, causes = MAX_CAUSES): VaultraError {
  if (typeof data !== "object" || data === null) {
    return new VaultraError("plugin.error", "The plugin failed without saying why");
  }
  const { code, message, hint, transient, details, cause } = data as Record<keyof ErrorData, unknown>;
  const known = typeof code === "string" && /^[a-z-]{1,40}(\.[a-z0-9-]{1,80}){0,3}$/.test(code) &&
    families.has(code.split(".", 1)[0]!);
  const facts = plainFields(details);
  return VaultraError.fromData({
    code: known ? code as ErrorData["code"] : "plugin.unknown-error",
    message: (typeof message === "string" && oneLine(message)) || "The plugin failed without saying why",
    ...(typeof hint === "string" ? { hint: oneLine(hint) } : {}),
    ...(transient === true ? { transient } : {}),
    ...(facts === undefined ? {} : { details: facts }),
    ...(cause === undefined || causes === 0 ? {} : { cause: fromWire(cause, causes - 1).toData() }),
  });
}
