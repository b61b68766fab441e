/**
 * Vaultra with a defect: whenever it opens a database or a store it throws what no code of its own would, with the whole
 * configuration in it.
 *
 * @module
 */
import { main } from "../../cli/main.ts";
import { WorkerHost } from "../../plugins/host/host.ts";

function fail(_plugin: unknown, config: unknown): never {
  const text = JSON.stringify(config);
  throw new TypeError(`Cannot read properties of ${text}`, { cause: new Error(encodeURIComponent(text)) });
}

WorkerHost.prototype.openDatabase = fail;
WorkerHost.prototype.openStore = fail;
Deno.exit(await main(Deno.args));
