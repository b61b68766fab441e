import assert from "node:assert/strict";
import { join } from "node:path";
import { compile } from "../../tools/compile.ts";
import { probeSandbox } from "./testdata/probe_program.ts";

/** What a plugin finds that may read and write one folder, reach one port and see one variable. */
const expected: Readonly<Record<string, string>> = {
  "read inside": "got inside",
  "read outside": "denied",
  "stat outside": "denied",
  "node:fs outside": "denied",
  "node:sqlite outside": "denied",
  "write outside": "denied",
  "link outside": "denied",
  "fetch outside": "denied",
  "read own source": "denied",
  "import JSON": "denied",
  "import text": "denied",
  "connect open": "got undefined",
  "connect closed": "denied",
  "fetch closed": "denied",
  "node:net closed": "denied",
  "listen": "denied",
  "variables": `got {"PROBE_GRANTED":"value of PROBE_GRANTED"}`,
  "context variables": `got {"PROBE_GRANTED":"value of PROBE_GRANTED"}`,
  "Deno.env": "denied",
  "Deno.env whole": "denied",
  "host name": "denied",
  "user": "got 65534",
  "run": "denied",
  "node:child_process": "denied",
  "native code": "denied",
  "Worker": "got undefined",
  "getBuiltinModule": "got undefined",
  "getBuiltinModule of the prototype": "got undefined",
  "global process": "got undefined",
  "binding": "got undefined",
  "mainModule": "got undefined",
  "internals": "got undefined",
  "asking for permissions": "got undefined",
  "standard input": "got undefined",
  "node:worker_threads": "denied",
  "node:crypto": "got 2d711642",
  "node:zlib": "got zip",
};

/** What differs in the executable, as docs/security.md tells. */
const executable: Readonly<Record<string, string>> = {
  // The runtime does not check imports from the disk there, so an import lint has to look at a stranger's plugin.
  "import JSON": "got SECRET",
  "node:worker_threads": "got SECRET",
  "code from strings": "EvalError: Code generation from strings disallowed for this context",
};

/** Levels out how Deno 2.7 words two denials. */
function leveled(found: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const refused = /^Error: connect ECONNREFUSED/.test(String(found["node:net closed"]));
  const unknown = /not a valid module type/.test(String(found["import text"]));
  return {
    ...found,
    ...(refused ? { "node:net closed": "denied" } : {}),
    ...(unknown ? { "import text": "denied" } : {}),
  };
}

Deno.test("WorkerHost gives a plugin what its definition asks for and nothing else, under deno run", async () => {
  const { "code from strings": _, ...found } = await probeSandbox();
  assert.deepEqual(leveled(found), expected);
});

Deno.test("WorkerHost gives a plugin the same in the executable, but for imports, and right bytes over node:net", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const program = await compile({
      entry: "plugins/host/testdata/probe_program.ts",
      output: join(folder, Deno.build.os === "windows" ? "probe.exe" : "probe"),
    });
    const { code, stdout } = await new Deno.Command(program, { stderr: "null" }).output();
    assert.equal(code, 0);
    const { sandbox, net } = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(leveled(sandbox), { ...expected, ...executable });
    assert.deepEqual(net, { tcp: true, tls: true });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
