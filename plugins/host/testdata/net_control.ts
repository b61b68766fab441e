/// <reference lib="deno.worker" />
/** Reads as the hosted plugin does, in a Worker without the fix. */
import { readSlowly } from "./read_slowly.ts";

self.onmessage = async (event: MessageEvent<{ readonly port: number; readonly tls: boolean }>) => {
  self.postMessage(await readSlowly(event.data));
};
