import { createHash } from "node:crypto";
import net from "node:net";
import tls from "node:tls";

/** Bytes that the sender gives. */
export const NET_BYTES = 16 << 20;

/** What a slow reader got. */
export interface Received {
  readonly bytes: number;
  readonly sha256: string;
  readonly [name: string]: string | number;
}

/**
 * Reads {@linkcode NET_BYTES} from a socket as drivers do: `data` events, and pauses that fall at any time, also while
 * nothing is there to be read.
 */
export async function readSlowly(from: { readonly port: number; readonly tls: boolean }): Promise<Received> {
  const socket = from.tls
    ? tls.connect({ port: from.port, host: "127.0.0.1", rejectUnauthorized: false })
    : net.connect(from.port, "127.0.0.1");
  const hash = createHash("sha256");
  const kept: Uint8Array[] = [];
  // Kept chunks must not change while others arrive.
  const hashKept = () => {
    for (const chunk of kept.splice(0)) hash.update(chunk);
  };
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on("error", reject);
  socket.on("data", (chunk: Uint8Array) => {
    kept.push(chunk);
    bytes += chunk.length;
    if (bytes >= NET_BYTES) resolve();
  });
  const takeBreak = async () => {
    socket.pause();
    await pause(2);
    hashKept();
    socket.resume();
  };
  const breaks = setInterval(takeBreak, 6);
  socket.on(from.tls ? "secureConnect" : "connect", async () => {
    await pause(40);
    socket.write("go");
  });
  try {
    await promise;
  } finally {
    clearInterval(breaks);
    await pause(5);
    socket.destroy();
  }
  hashKept();
  return { bytes, sha256: hash.digest("hex") };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
