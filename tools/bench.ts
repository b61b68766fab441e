/**
 * Runs a benchmark: `deno task bench sqlite`. Each one runs the peer in the same run and prints ratios.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";

const folder = fromFileUrl(new URL("../tests/bench/", import.meta.url));
const names = [...Deno.readDirSync(folder)].map((entry) => entry.name)
  .filter((name) => name.endsWith("_bench.ts")).map((name) => name.replace("_bench.ts", "")).sort();
const [name, ...rest] = Deno.args;
if (name === undefined || !names.includes(name)) {
  Deno.stderr.writeSync(new TextEncoder().encode(`Name a benchmark: ${names.join(", ")}\n`));
  Deno.exit(2);
}
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", `${folder}${name}_bench.ts`, ...rest],
  env: { DENO_TLS_CA_STORE: "mozilla,system" },
}).output().then(({ code }) => ({ code }));
Deno.exit(code);
