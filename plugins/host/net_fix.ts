/**
 * Closes a fault of `node:net` (and so of `node:tls`) in Deno up to 2.7: under back-pressure it delivers wrong
 * bytes of the right length. `readStop()` leaves the pending read alive, and the next `readStart()` begins a second
 * one into the same buffer of 64 KiB. Here every handle keeps its one read loop, which waits at a gate between
 * `readStop()` and `readStart()`.
 *
 * Must be imported before anything that opens a socket. It needs no permission: a handle exists as soon as
 * `connect()` was called, even when the connection is then denied. From Deno 2.8 on, whose handles lack the
 * patched field, it does nothing.
 *
 * @module
 */
import { Socket } from "node:net";

/** The stream below a handle. */
interface StreamBase {
  read(buffer: Uint8Array): Promise<number | null>;
}

/** What is patched of Deno's `LibuvStreamWrap`. */
interface Handle {
  /** Set while a TLS handshake takes the connection over: the reads that follow are another stream's. */
  readonly upgrading?: unknown;
  readStart(): number;
  readStop(): number;
  readonly [field: symbol]: StreamBase | undefined;
}

/** Whether one handle's reads may go on. */
class Gate {
  /** The stream whose reads wait here. */
  base: StreamBase | undefined;
  #opened: PromiseWithResolvers<void> | undefined;

  close(): void {
    this.#opened ??= Promise.withResolvers();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  async passed(): Promise<void> {
    while (this.#opened !== undefined) await this.#opened.promise;
  }
}

/** A handle of a socket that never connects. */
function sampleHandle(): Handle | undefined {
  const socket = new Socket();
  socket.on("error", () => {
    // Denied or refused: only the handle was wanted.
  });
  socket.connect(9, "127.0.0.1");
  const handle = (socket as unknown as { readonly _handle?: Handle })._handle;
  socket.destroy();
  return handle;
}

/** Patches the prototype of all TCP handles. @returns Whether there was something to patch. */
function fixReads(): boolean {
  const handle = sampleHandle();
  const field = handle &&
    Object.getOwnPropertySymbols(handle).find((name) => name.description === "kStreamBaseField");
  let prototype = handle;
  while (prototype && !Object.hasOwn(prototype, "readStop")) prototype = Object.getPrototypeOf(prototype);
  if (field === undefined || !prototype) return false;

  const gates = new WeakMap<Handle, Gate>();
  const { readStart, readStop } = prototype;
  prototype.readStop = function (this: Handle): number {
    if (this.upgrading) {
      gates.delete(this);
      return readStop.call(this);
    }
    gates.get(this)?.close();
    return 0;
  };
  prototype.readStart = function (this: Handle): number {
    let gate = gates.get(this);
    if (gate === undefined) gates.set(this, gate = new Gate());
    const base = this[field];
    if (base !== undefined && base !== gate.base) {
      gate.base = base;
      guardReads(base, gate);
    }
    gate.open();
    return readStart.call(this);
  };
  return true;
}

/** Lets every read of a stream wait at the gate. */
function guardReads(base: StreamBase, gate: Gate): void {
  const read = base.read;
  Object.defineProperty(base, "read", {
    configurable: true,
    value: async (buffer: Uint8Array) => {
      await gate.passed();
      return await read.call(base, buffer);
    },
  });
}

/** Whether this runtime had the fault, which is then closed. */
export const netFixed: boolean = fixReads();
