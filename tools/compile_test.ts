import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { compile } from "./compile.ts";
import { projectFolder } from "./child.ts";
import { hostTarget, targets } from "./executable_target.ts";

/** Tries what an executable of ours must not be able to do, and prints how each attempt ended. */
const probe = `const attempts: Record<string, () => unknown> = {
  run: () => new Deno.Command("true").outputSync(),
  ffi: () => Deno.dlopen("libc.so.6", {}),
  eval: () => eval("1"),
  Function: () => new Function("return 1")(),
  read: () => Deno.statSync("."),
  env: () => Deno.env.get("HOME"),
};
const ended = Object.entries(attempts).map(([name, attempt]) => {
  try {
    attempt();
    return [name, "done"];
  } catch (error) {
    return [name, (error as Error).name];
  }
});
console.log(JSON.stringify(Object.fromEntries(ended)));
`;

Deno.test("compile() makes an executable that starts no program and makes no code", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const entry = join(folder, "probe.ts");
    await Deno.writeTextFile(entry, probe);
    const file = await compile({ entry, output: join(folder, "probe") });
    const { stdout } = await new Deno.Command(file).output();
    deepEqual(JSON.parse(new TextDecoder().decode(stdout)), {
      run: "NotCapable",
      ffi: "NotCapable",
      eval: "EvalError",
      Function: "EvalError",
      read: "done",
      env: "done",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compile.ts refuses another target with this machine's runtime and keeps the file that was there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = join(folder, "vaultra");
    await Deno.writeTextFile(output, "the one before");
    const target = targets.find((each) => each !== hostTarget()) ?? "";
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(projectFolder, "tools", "compile.ts"), "--target", target, "--output", output],
      env: { DENORT_BIN: Deno.execPath() },
    }).output();
    equal(code, 1);
    match(new TextDecoder().decode(stderr), new RegExp(`it is for ${hostTarget()}, not ${target}\n$`));
    equal(await Deno.readTextFile(output), "the one before");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
