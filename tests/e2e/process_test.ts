import assert from "node:assert/strict";
import { executable } from "./run_vaultra.ts";
import { testEach, Workplace } from "./workplace.ts";

testEach("vaultra works with odd paths, in a folder that is read-only, and without a home", async (place) => {
  const name = "ünïcode 'n spaces $HOME;.db";
  place.sample(name);
  const same = (other: string) => place.bash(`cmp "${name.replace("$", "\\$")}" '${other}'`);
  await place.ok("backup", "--db", `sqlite:${name}`, "--to", `./störe "1"/`);
  assert.match(
    await place.ok("list", "--store", `./störe "1"`),
    / n-code-n-spaces-HOME-.db | [\w.-]*HOME[\w.-]* /,
  );
  await place.ok("restore", "latest", "--store", `${place.folder}/störe "1"//`, "--to", "sqlite:one.db");
  await same("one.db");

  // A link to the database, and to the folder of the store
  await place.bash(`mkdir real; ln -s real link; ln -s one.db link.db`);
  await place.ok("backup", "--db", "sqlite:link.db", "--to", "file:link/store");
  await place.ok("restore", "latest", "--store", "real/store", "--to", `sqlite:${place.path("two.db")}`);
  await same("two.db");

  const long = "l".repeat(180);
  await place.bash(`cp one.db ${long}.db`);
  await place.ok("backup", "--db", `sqlite:${long}.db`, "--to", "./long");
  await place.ok("verify", "--all", "--store", "./long");
});

if (executable !== undefined) {
  Deno.test("the executable needs no home, no environment and no folder that it may write to", async () => {
    await using place = await Workplace.open(executable!);
    place.sample("shop.db");
    await place.bash("mkdir work tmp store to; chmod 500 work");
    const bare = (...args: string[]) =>
      place.bash(
        `cd work; setpriv --bounding-set=-dac_override,-dac_read_search env -i TMPDIR='${
          place.path("tmp")
        }' ` +
          `'${executable!.command}' ${args.join(" ")} < /dev/null`,
      );
    assert.equal(await bare("--version"), "0.1.0\n");
    await bare("backup", "--db sqlite:../shop.db --to ../store");
    await bare("restore latest --store ../store --to sqlite:../to/new.db");
    await bare("restore latest --store ../store --to sql:- --only orders > ../to/out.sql");
    await place.bash("cmp shop.db to/new.db");
    assert.deepEqual(await place.files("tmp"), []);
    assert.deepEqual(await place.files("work"), []);
    assert.deepEqual((await place.files("to")).map((line) => line.split(" ")[0]), ["new.db", "out.sql"]);
    assert.deepEqual((await place.files()).filter((file) => !/^(store|to)\//.test(file)).length, 1);
  });

  Deno.test("the executable writes nothing outside its store, its target and what it remembers, and starts no program", async () => {
    await using place = await Workplace.open(executable!);
    place.sample("shop.db");
    await place.bash("mkdir home tmp");
    const traced = [
      "strace",
      "-f",
      "-qq",
      "-o",
      place.path("trace"),
      "-e",
      "trace=openat,creat,mkdir,mkdirat,rename,renameat,renameat2,linkat,execve",
    ];
    const env = { HOME: place.path("home"), TMPDIR: place.path("tmp") };
    for (
      const args of [
        ["backup", "--db", "sqlite:shop.db", "--to", "./store"],
        ["verify", "--all", "--store", "./store"],
        ["restore", "latest", "--store", "./store", "--to", "sqlite:to.db"],
      ]
    ) {
      const done = await place.with(...traced).run(args, { env });
      assert.equal(done.code, 0, done.stderr);
      const lines = (await Deno.readTextFile(place.path("trace"))).split("\n");
      const changing = lines.filter((line) =>
        /O_WRONLY|O_RDWR|O_CREAT|mkdir|rename|link|creat\(/.test(line) && !/ = -1 /.test(line) &&
        !/"\/dev\/(null|tty|shm)|"\/proc\/self/.test(line)
      );
      const outside = changing.filter((line) =>
        !/"(\S*\/)?(store|state|to\.db|shop\.db|\.to\.db)/.test(line)
      );
      assert.deepEqual(outside, []);
      assert.ok(args[0] === "verify" || changing.length > 0);
      assert.equal(lines.filter((line) => line.includes("execve(")).length, 1);
    }
    assert.deepEqual([...await place.files("home"), ...await place.files("tmp")], []);
  });
}

testEach("vaultra says that a script is not whole when its reader goes away", async (place) => {
  place.sample("shop.db", { rows: 50_000 });
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups");
  const child = place.start(["restore", "latest", "--store", "./backups", "--to", "sql:-"]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: The reader of standard output went away .*\n {2}What was written is not complete/,
  );
  assert.deepEqual((await place.files()).filter((name) => name.includes("vaultra-restore")), []);
});
