import assert from "node:assert/strict";
import { join } from "node:path";
import { projectFolder } from "../../tools/child.ts";
import { run, temporaryFolder } from "../fakes/machine.ts";
import { buildSample } from "../fakes/sqlite_sample.ts";

Deno.test("the library backs up and restores as its example says, for a program outside the project", async () => {
  using folder = temporaryFolder();
  const [source, target] = [join(folder.path, "source.db"), join(folder.path, "target.db")];
  buildSample(source);
  const documentation = await Deno.readTextFile(join(projectFolder, "mod.ts"));
  const example = /^ \* ```ts\n(.*?)^ \* ```$/ms.exec(documentation)![1]!.replaceAll(/^ \* ?/gm, "");
  const program = join(folder.path, "program.ts");
  const call = [`sqlite:${source}`, join(folder.path, "backups"), `sqlite:${target}`]
    .map((argument) => JSON.stringify(argument)).join(", ");
  await Deno.writeTextFile(program, `${example}\nawait copyThroughBackup(${call});\n`);
  const config = `--config=${join(projectFolder, "deno.json")}`;
  run(Deno.execPath(), "run", "-A", "--check", "--quiet", config, program);
  run("cmp", source, target);
  const kept = [...Deno.readDirSync(join(folder.path, "backups", "source"))].map(({ name }) => name);
  assert.equal(kept.filter((name) => /\.(json|tar\.zst)$/.test(name)).length, 2);
});
