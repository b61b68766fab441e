import assert from "node:assert/strict";
import { outcome } from "./run_vaultra.ts";
import { testEach, type Workplace } from "./workplace.ts";

/** A generator of numbers from 0 to 1 that is the same in every run (mulberry32). */
function chance(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How often each command is interrupted. Both ways to start it run the same code. */
const rounds = { "deno run": 6, executable: 32 };

/** About 50 MiB that compress badly, so that every phase lasts. */
async function prepare(place: Workplace): Promise<void> {
  await place.bash(`sqlite3 shop.db "create table blobs (id integer primary key, v blob);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 12000)
    insert into blobs select i, randomblob(4000) from n"`);
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1\nstores: { office: "file:./backups" }\njobs: { shop: { database: "sqlite:./shop.db" } }\n`,
  );
}

/** Runs a command and sends it a signal after a share of the time that it takes. */
async function interrupt(place: Workplace, args: string[], signal: Deno.Signal, delay: number) {
  const child = place.start(args);
  const timer = setTimeout(() => {
    try {
      child.kill(signal);
    } catch {
      // It was done already.
    }
  }, delay);
  const done = await outcome(child);
  clearTimeout(timer);
  return done;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The outcomes of all runs that left a document, in the store or, when it was not open yet, on this machine. */
async function runs(place: Workplace): Promise<string[]> {
  const text = await place.bash("cat backups/shop/runs/*.json state/vaultra/runs/*.json 2>/dev/null || true");
  return [...text.matchAll(/"outcome":\s*"(\w+)"/g)].map(([, each]) => each!);
}

testEach("vaultra backup cleans up wherever it is interrupted", async (place) => {
  await prepare(place);
  const random = chance(1);
  const whole = await timed(() => place.ok("backup", "shop"));
  let [interrupted, finished] = [0, 1];
  for (let round = 0; round < rounds[place.vaultra.name as keyof typeof rounds]; round++) {
    const [signal, code] = round % 2 ? ["SIGTERM", 143] as const : ["SIGINT", 130] as const;
    const before = (await runs(place)).length;
    const done = await interrupt(place, ["backup", "shop"], signal, random() * whole * 1.1);
    const what = `round ${round}, ${signal}: ${done.code} ${done.stdout}${done.stderr}`;
    assert.ok([0, code].includes(done.code), what);
    if (done.code === 0) finished++;
    else interrupted++;
    const left = await place.files("backups");
    assert.deepEqual(left.filter((name) => /vaultra-upload|^\.locks\//.test(name)), [], what);
    const archives = left.filter((name) => name.includes(".tar"));
    const records = left.filter((name) => /^shop\/[^/]+\.json/.test(name));
    assert.deepEqual([archives.length, records.length], [finished, finished], `${what}\n${left.join("\n")}`);
    if (done.code === 0 || done.stderr === "") continue;
    assert.match(done.stderr, /^error: (Interrupted|Terminated)\n {2}\S/, what);
    assert.equal((await runs(place)).length, before + 1, what);
  }
  assert.ok(interrupted > 2, `only ${interrupted} were interrupted`);
  await place.ok("backup", "shop");
  assert.equal((await place.ok("verify", "--all")).match(/✔/g)?.length, finished + 1);
  const outcomes = await runs(place);
  assert.ok(outcomes.every((each) => each === "ok" || each === "interrupted"), outcomes.join());
});

testEach("vaultra restore leaves its target as it was wherever it is interrupted", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  await place.bash("mkdir to; sqlite3 old.db 'create table old (v)'");
  const random = chance(2);
  const restore = ["restore", "latest", "--to", "sqlite:to/shop.db", "--if-exists", "replace", "--yes"];
  const whole = await timed(() => place.ok(...restore));
  for (let round = 0; round < rounds[place.vaultra.name as keyof typeof rounds]; round++) {
    const [signal, code] = round % 2 ? ["SIGTERM", 143] as const : ["SIGINT", 130] as const;
    const existing = round % 3 > 0;
    await place.bash(`rm -f to/*; ${existing ? "cp old.db to/shop.db" : "true"}`);
    const only = round % 4 === 3 ? ["--only", "blobs"] : [];
    const done = await interrupt(place, [...restore, ...only], signal, random() * whole * 1.1);
    const what = `round ${round}, ${signal}: ${done.code} ${done.stdout}${done.stderr}`;
    assert.ok([0, code].includes(done.code), what);
    const left = (await place.files("to")).map((line) => line.split(" ")[0]);
    assert.deepEqual(left, existing || done.code === 0 ? ["shop.db"] : [], what);
    if (done.code !== 0) await place.bash(existing ? "cmp old.db to/shop.db" : "true");
    else if (only.length === 0) await place.bash("cmp shop.db to/shop.db");
  }
  await place.ok(...restore);
  await place.bash("cmp shop.db to/shop.db");
});

testEach("vaultra goes on after it was killed", async (place) => {
  await prepare(place);
  const random = chance(3);
  const whole = await timed(() => place.ok("backup", "shop"));
  let finished = 1;
  for (let round = 0; round < 3; round++) {
    await interrupt(place, ["backup", "shop"], "SIGKILL", (0.3 + random() * 0.6) * whole);
    // Nothing is listed that is not whole, and a dead run's lock is told and honoured until it expires
    const verified = await place.ok("verify", "--all");
    finished = verified.match(/✔/g)!.length;
    const next = await place.run(["backup", "shop"]);
    assert.ok([0, 12].includes(next.code), next.stderr);
    if (next.code === 0) finished++;
    else {
      assert.match(next.stderr, /^error: Another run holds .*\(process \d+\).*\n.*free after 20/);
    }
    await place.bash("find backups/.locks -type f -exec touch -d '10 minutes ago' {} +");
  }
  await place.ok("backup", "shop");
  assert.equal((await place.ok("verify", "--all")).match(/✔/g)?.length, finished + 1);

  // An upload that nobody finishes is told by doctor once it is old
  for (let tries = 0; tries < 20; tries++) {
    await place.bash("rm -rf backups/.locks/*");
    await interrupt(place, ["backup", "shop"], "SIGKILL", 0.7 * whole);
    if ((await place.files("backups")).some((name) => name.includes("vaultra-upload"))) break;
  }
  await place.bash("find backups -name '*.vaultra-upload' -exec touch -d '3 days ago' {} +");
  const doctor = await place.run(["doctor", "shop"]);
  assert.deepEqual(
    [doctor.code, /! file.unfinished .*\.vaultra-upload/.test(doctor.stdout)],
    [3, true],
    doctor.stdout,
  );

  // A restore that was killed is no obstacle to the next one
  await place.bash("rm -rf backups/.locks/*; mkdir to");
  const restore = ["restore", "latest", "--to", "sqlite:to/shop.db"];
  for (const share of [0.4, 0.6, 0.8]) {
    await interrupt(place, restore, "SIGKILL", share * whole);
    await place.bash("[ ! -e to/shop.db ] || { cmp shop.db to/shop.db; rm to/shop.db; }");
  }
  await place.ok(...restore);
  await place.bash("cmp shop.db to/shop.db");
  assert.deepEqual((await place.files("to")).map((line) => line.split(" ")[0]), ["shop.db"]);
});
