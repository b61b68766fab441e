import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { findUndocumented } from "./documentation.ts";

Deno.test("findUndocumented() names exported symbols without JSDoc and nothing else", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(root, "deno.json"), "{}");
    await Deno.writeTextFile(
      join(root, "a.ts"),
      `/** Said. */\nexport const said = 1;\nexport function silent(): void {}\n// no JSDoc\nexport type Plain = number;\nconst hidden = 1;\nexport { hidden as renamed };\n`,
    );
    await Deno.writeTextFile(join(root, "mod.ts"), `export { silent } from "./a.ts";\n`);
    deepEqual(await findUndocumented(["a.ts", "mod.ts"], root), [
      "a.ts:3: silent",
      "a.ts:5: Plain",
      "a.ts:6: renamed",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
