import assert from "node:assert/strict";
import { netFixed } from "./net_fix.ts";
import { ByteServer, checkNet } from "./testdata/net_check.ts";
import { NET_BYTES, type Received } from "./testdata/read_slowly.ts";

const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
const faulty = major < 2 || (major === 2 && minor < 8);

Deno.test("net_fix patches Deno up to 2.7 and leaves newer ones alone", () => {
  assert.equal(netFixed, faulty);
});

Deno.test("a hosted plugin gets the right bytes over node:net and node:tls, read slowly and with pauses", async () => {
  assert.deepEqual(await checkNet(), { tcp: true, tls: true });
});

const control = faulty
  ? "without net_fix the same reader gets wrong bytes of the right length"
  : "without net_fix the same reader gets the right bytes, as Deno 2.8 and newer have not the fault";

Deno.test(control, async () => {
  await using server = new ByteServer(false);
  const worker = new Worker(import.meta.resolve("./testdata/net_control.ts"), { type: "module" });
  try {
    const answer = Promise.withResolvers<Received>();
    worker.onmessage = ({ data }) => answer.resolve(data);
    worker.postMessage({ port: server.port, tls: false });
    const { bytes, sha256 } = await answer.promise;
    assert(bytes >= NET_BYTES, `${bytes} bytes`);
    assert.equal(sha256 === server.sha256, !faulty);
  } finally {
    worker.terminate();
  }
});
