import type { AnyPlugin, PluginHost } from "../core/plugin.ts";
import type { Registry } from "../core/registry.ts";
import type { Surroundings } from "../core/events.ts";
import type { Bytes, ByteStream } from "../core/streams/bytes.ts";

/** All that the command line takes from the process, so that tests can hand it something else. */
export interface CliContext {
  readonly registry: Registry<AnyPlugin>;
  readonly host: PluginHost;
  /** Aborted by Ctrl-C and SIGTERM, with the `VaultraError` that says which. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string>>;
  readonly surroundings: Surroundings;
  readonly stdin: ByteStream;
  /** Whether a person sits at standard input and standard error, and can be asked. */
  readonly interactive: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds of a clock that never goes back. */
  monotonic(): number;
}

/** A standard stream that is written to. */
export interface Output {
  /** Whether a person sees it. */
  readonly terminal: boolean;
  /** Width in characters. */
  columns(): number;
  /** Writes text at once. */
  text(text: string): void;
  /** Writes bytes, and resolves when they were taken. */
  bytes(bytes: Bytes): Promise<void>;
}
