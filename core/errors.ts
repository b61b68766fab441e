/**
 * The one hierarchy of errors: every failure that reaches a person is a {@linkcode VaultraError} with a
 * code, one sentence that says what is wrong, a hint that says what to do, and the cause.
 *
 * @module
 */

/** The exit code of each family of errors, as docs/cli.md documents them. A family is a code's first word. */
export const exitCodes = {
  failed: 1,
  internal: 1,
  plugin: 1,
  usage: 2,
  config: 2,
  warning: 3,
  database: 10,
  store: 11,
  locked: 12,
  damaged: 13,
  key: 14,
  different: 15,
  retention: 16,
  target: 17,
  "no-backup": 18,
  signature: 19,
  interrupted: 130,
  terminated: 143,
} as const;

/** A family of errors: decides the exit code. */
export type ErrorFamily = keyof typeof exitCodes;

/** A stable, dotted name such as `store.disk-full`: the family, then the case. */
export type ErrorCode = ErrorFamily | `${ErrorFamily}.${string}`;

/** What an error carries besides its code and sentence. */
export interface ErrorOptions {
  /** What the person can do about it: one sentence. */
  readonly hint?: string;
  /** The lower error that led here. Never printed whole: its message may name hosts or paths. */
  readonly cause?: unknown;
  /** Facts for machines (`--json`, run files). Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The shape of an error as it crosses a Worker's boundary or is written to a run file. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly transient?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: ErrorData;
}

/** An error that a person can act on. */
export class VaultraError extends Error {
  override readonly name: string = "VaultraError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /** Whether the same operation may succeed when tried again. */
  get transient(): boolean {
    return false;
  }

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }

  /** The family of the code. */
  get family(): ErrorFamily {
    return this.code.split(".", 1)[0] as ErrorFamily;
  }

  /** The process's exit code for this error. */
  get exitCode(): number {
    return exitCodes[this.family];
  }

  /** The error as plain data; its causes are kept as far as they are Vaultra's own. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.transient ? { transient: true } : {}),
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.cause === undefined ? {} : { cause: toVaultraError(this.cause).toData() }),
    };
  }

  /** The error that {@linkcode VaultraError.toData} described. Data of an unknown family becomes `plugin`. */
  static fromData(data: ErrorData): VaultraError {
    const family = String(data.code).split(".", 1)[0] ?? "";
    const code: ErrorCode = Object.hasOwn(exitCodes, family) ? data.code : "plugin.unknown-error";
    const options: ErrorOptions = {
      ...(data.hint === undefined ? {} : { hint: String(data.hint) }),
      ...(data.details === undefined ? {} : { details: data.details }),
      ...(data.cause === undefined ? {} : { cause: VaultraError.fromData(data.cause) }),
    };
    return data.transient === true
      ? new TransientError(code, String(data.message), options)
      : new VaultraError(code, String(data.message), options);
  }
}

/** An error of a moment: the same idempotent operation may succeed when tried again. */
export class TransientError extends VaultraError {
  override readonly name = "TransientError";
  override get transient(): boolean {
    return true;
  }
}

/** Any thrown value as a {@linkcode VaultraError}: itself, the reason of an abort, or `internal`. */
export function toVaultraError(thrown: unknown, code: ErrorCode = "internal"): VaultraError {
  if (thrown instanceof VaultraError) return thrown;
  if (thrown instanceof Error) {
    if (thrown.cause instanceof VaultraError && thrown.name === "AbortError") return thrown.cause;
    return new VaultraError(code, thrown.message || thrown.name, { cause: thrown.cause });
  }
  return new VaultraError(code, String(thrown));
}
