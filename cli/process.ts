/**
 * The process as the command line sees it: streams, environment, signals.
 *
 * @module
 */
import { VaultraError } from "../core/errors.ts";
import type { Surroundings } from "../core/events.ts";
import type { Bytes, ByteStream } from "../core/streams/bytes.ts";
import type { Output } from "./context.ts";

const encoder = new TextEncoder();

/** A standard stream of the process. A reader that went away (`| head`) ends the output, not the operation. */
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
      while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
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

/** Real time and real chance. */
export const surroundings: Surroundings = {
  now: () => new Date(),
  randomHex: (length) =>
    [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => byte.toString(16).padStart(2, "0"))
      .join(""),
};

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
