import assert from "node:assert/strict";
import { fromSource, run } from "./run_vaultra.ts";

const [, , , config, program] = fromSource.args;
const versions: Record<string, string | undefined> = {
  "this Deno": Deno.execPath(),
  "Deno 2.9": Deno.env.get("VAULTRA_TEST_DENO_29"),
};

for (const [name, command] of Object.entries(versions)) {
  if (command === undefined) continue;
  Deno.test(`tools/demo.ts shows a backup that is restored identical (${name})`, async () => {
    const demo = program!.replace(/cli\.ts$/, "tools/demo.ts");
    const { code, stdout, stderr } = await run({
      name,
      command,
      args: ["run", "-A", "--quiet", config!, demo],
    }, []);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /The restored database is identical\.\n$/);
    assert.ok((stdout.match(/^ {2}same {2}/gm)?.length ?? 0) > 10, stdout);
    assert.equal(stderr, "");
  });
}
