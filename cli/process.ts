/**
 * The process as the command line sees it: streams, environment, signals.
 *
 * @module
 */
import { VaultraError } from "../core/errors.ts";
import type { Bytes, ByteStream } from "../core/streams/bytes.ts";
import type { Output } from "./context.ts";

const encoder = new TextEncoder();

/** The code of the error for bytes whose reader went away. Nothing but the standard streams throws it. */
export const OUTPUT_CLOSED = "failed.stdout-closed";

/** A standard stream of the process. Text for a reader that went away (`| head`) is lost; bytes for it are an error. */
export function processOutput(stream: typeof Deno.stdout): Output {
  return {
    terminal: stream.isTerminal(),
    columns() {
      try {
        return Deno.consoleSize().columns;
      } catch {
        return 80;
      }
    },
    text(text) {
      let rest = encoder.encode(text);
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    async bytes(bytes) {
      let rest: Uint8Array = bytes;
      try {
        while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
      } catch (error) {
        const gone = error instanceof Deno.errors.BrokenPipe;
        throw new VaultraError(
          gone ? OUTPUT_CLOSED : "failed.output",
          gone
            ? "The reader of standard output went away before all was written"
            : "Standard output can't be written",
          { hint: "What was written is not complete. Write to a file, and look at it then.", cause: error },
        );
      }
    },
  };
}

/** Standard input in blocks of 256 KiB and less. */
export async function* processInput(): ByteStream {
  const buffer: Bytes = new Uint8Array(1 << 18);
  for (;;) {
    const length = await Deno.stdin.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}

/**
 * A signal that Ctrl-C and SIGTERM abort, so that everything cleans up. A second Ctrl-C ends the process at once.
 */
export function processSignal(): AbortSignal {
  const controller = new AbortController();
  const handle = (code: "interrupted" | "terminated", text: string, exit: number) => () => {
    if (controller.signal.aborted) Deno.exit(exit);
    controller.abort(new VaultraError(code, text, { hint: "Nothing unfinished is listed or restorable." }));
  };
  Deno.addSignalListener("SIGINT", handle("interrupted", "Interrupted", 130));
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", handle("terminated", "Terminated", 143));
    Deno.addSignalListener("SIGHUP", handle("terminated", "Terminated: the terminal went away", 143));
  }
  return controller.signal;
}
