import { createHash } from "node:crypto";
import { WorkerHost } from "../host.ts";
import netPlugin from "./net_plugin.ts";
import { NET_BYTES, type Received } from "./read_slowly.ts";
import { certificate, privateKey } from "./test_certificate.ts";

/** Sends known bytes to whoever says something. Deno's own sockets do it: what is tested here is `node:net`. */
export class ByteServer implements AsyncDisposable {
  readonly port: number;
  readonly sha256: string;
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #serving: Promise<void>;

  constructor(secure: boolean) {
    const bytes = new Uint8Array(NET_BYTES);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < NET_BYTES; at += 4) view.setUint32(at, Math.imul(at, 2_654_435_761));
    this.sha256 = createHash("sha256").update(bytes).digest("hex");
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = secure
      ? Deno.listenTls({ ...address, cert: certificate, key: privateKey })
      : Deno.listen(address);
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#serving = this.#serve(bytes);
  }

  async #serve(bytes: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        await connection.read(new Uint8Array(16));
        for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
        // Until the reader hangs up.
        while (await connection.read(new Uint8Array(16)) !== null);
      } catch {
        // The reader may leave as soon as it has all.
      } finally {
        connection.close();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

/** Reads over both in hosted Workers, with their permissions; tells whether all bytes were right. */
export async function checkNet(): Promise<Record<"tcp" | "tls", boolean>> {
  const results = { tcp: false, tls: false };
  for (const [name, secure] of [["tcp", false], ["tls", true]] as const) {
    await using server = new ByteServer(secure);
    await using database = await new WorkerHost().openDatabase(
      { plugin: netPlugin, module: import.meta.resolve("./net_plugin.ts") },
      { port: server.port, tls: secure },
      {
        purpose: "backup",
        signal: new AbortController().signal,
        log: { debug() {}, info() {}, warn() {} },
      },
    );
    const got = (await database.inspect()).properties as Received;
    results[name] = got.bytes === NET_BYTES && got.sha256 === server.sha256;
  }
  return results;
}
