import assert from "node:assert/strict";
import { jsonLines, testEach } from "./workplace.ts";

testEach("vaultra --json writes what docs/cli.md says, one document or one event a line", async (place) => {
  place.sample("shop.db", { rows: 20_000 });
  const at = ["--store", "./backups"];
  const lines = async (code: number, ...args: string[]) => {
    const done = await place.run([...args, "--json"]);
    assert.equal(done.code, code, done.stderr);
    return jsonLines(done.stdout);
  };
  const only = async (...args: string[]) => {
    const all = await lines(0, ...args);
    assert.equal(all.length, 1);
    return all[0];
  };

  const backup = ["backup", "--db", "sqlite:shop.db", "--to", "./backups"];
  const [plan] = await lines(0, ...backup, "--dry-run");
  assert.deepEqual([plan.type, plan.job, plan.database.engine], ["plan", "shop", "sqlite"]);
  const events = await lines(0, ...backup);
  assert.deepEqual(
    new Set(events.map(({ type }) => type)),
    new Set(["phase", "progress", "objects", "result"]),
  );
  const { kinds } = events.find(({ type }) => type === "objects");
  assert.deepEqual(kinds[0], { kind: "table", count: 18 });
  const progress = events.filter(({ type }) => type === "progress").at(-1);
  for (const key of ["bytes", "total", "stored", "rows"]) assert.equal(typeof progress[key], "number", key);
  assert.ok(progress.bytes >= progress.total, `${progress.bytes} of ${progress.total}`);
  const { record, command } = events.at(-1);
  assert.deepEqual([command, record.job, record.type], ["backup", "shop", "full"]);

  assert.equal((await only("list", "backups", ...at)).backups[0].id, record.id);
  assert.deepEqual((await only("list", "jobs", ...at)).jobs.map(({ name }: { name: string }) => name), [
    "shop",
  ]);
  assert.equal((await only("list", "runs", ...at)).runs[0].outcome, "ok");
  const shown = await only("show", record.id, "--objects", ...at);
  assert.deepEqual([shown.record.id, shown.objects.length], [record.id, record.objects]);
  // Doctor warns of files that a newer SQLite wrote than it has: sqlite3 is older than any Deno's.
  await place.bash("sqlite3 shop.db 'pragma user_version = 77'");
  assert.equal((await only("doctor", "--db", "sqlite:shop.db", "--to", "./backups")).report.length, 2);
  assert.equal((await lines(0, "verify", "latest", ...at)).at(-1).type, "result");
  const restored = await lines(0, "restore", "latest", ...at, "--to", "sqlite:new.db");
  assert.deepEqual(restored.at(-1).comparison.differences, []);
  assert.equal(
    (await lines(0, "restore", "latest", ...at, "--to", "sqlite:x.db", "--dry-run")).at(-1).type,
    "plan",
  );

  const failures: [code: number, exact: string, args: string[]][] = [
    [2, "usage.arguments", ["list", "things"]],
    [2, "config.invalid", ["list", "--store", "s3://x/y"]],
    [10, "database.not-found", ["backup", "--db", "sqlite:absent.db", "--to", "./backups"]],
    [17, "target.not-empty", ["restore", "latest", ...at, "--to", "sqlite:new.db"]],
    [18, "no-backup.unknown", ["show", "nothing", ...at]],
  ];
  for (const [code, exact, args] of failures) {
    const { type, error, exitCode } = (await lines(code, ...args)).at(-1);
    assert.deepEqual([type, error.code, exitCode], ["error", exact, code]);
    assert.equal(typeof error.hint, "string");
  }
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1\njobs: { a: { database: "sqlite:a.db", store: ./b } }\n`,
  );
  assert.equal((await only("config", "check")).jobs, 1);
  assert.equal((await only("config", "show")).jobs.a.compression, "zstd:3");
});

testEach("vaultra masks secrets in all that it writes", async (place) => {
  const secret = "s3cret w0rd";
  const env = { SHOP_FOLDER: secret };
  await place.bash(`mkdir '${secret}'`);
  place.sample(`${secret}/shop.db`);
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1
stores: { office: "file:./backups", away: "file:./shop.yaml" }
jobs:
  shop: { database: "sqlite:./\${env:SHOP_FOLDER}/shop.db", store: office }
  absent: { database: "sqlite:./\${env:SHOP_FOLDER}/absent.db", store: office }
  unstored: { database: "sqlite:./\${env:SHOP_FOLDER}/absent.db", store: "./\${env:SHOP_FOLDER}/shop.db" }
`,
  );
  const commands = [
    ["backup", "--log-level", "debug"],
    ["backup", "--json"],
    ["backup", "--dry-run"],
    ["backup", "--log-level", "debug", "--log-format", "json"],
    ["config", "show"],
    ["config", "show", "--json"],
    ["doctor"],
    ["doctor", "--json"],
    ["list", "runs", "--store", "office"],
    ["show", "latest", "--store", "office", "--job", "shop", "--objects", "--json"],
    ["restore", "latest", "--store", "office", "--job", "shop", "--to", "sqlite:${env:SHOP_FOLDER}/new.db"],
    ["restore", "latest", "--store", "office", "--job", "shop", "--to", "sqlite:${env:SHOP_FOLDER}/new.db"],
    ["restore", "latest", "--store", "office", "--job", "shop", "--to", "sqlite:${env:SHOP_FOLDER}/a/b.db"],
  ];
  const told: string[] = [];
  for (const args of commands) {
    const { code, stdout, stderr } = await place.run(args, { env });
    assert.doesNotMatch(stdout + stderr, /s3cret/, args.join(" "));
    told.push(`${args[0]} ${code}`);
    if (stderr.includes("***") || stdout.includes("***")) told.push("masked");
  }
  assert.ok(told.filter((each) => each === "masked").length > 6, told.join());
  const written = await place.bash(
    "cat backups/*/*.json backups/*/runs/* state/vaultra/runs/*; zstd -dc backups/shop/*.zst",
  );
  assert.doesNotMatch(written, /s3cret/);
  assert.match(written, /\*\*\*/);
});
