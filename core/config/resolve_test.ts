import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import { parseConfig } from "./config_file.ts";
import { describeJob } from "./describe_job.ts";
import { fakeRegistry } from "../../tests/fakes/fake_plugins.ts";
import { type Problem, problemText } from "./problems.ts";
import {
  adHocJob,
  checkConfig,
  type ResolveContext,
  resolveDatabase,
  resolveJob,
  resolveStore,
} from "./resolve.ts";
import { Secrets } from "./secrets.ts";

function context(text: string | undefined, environment: Record<string, string> = {}): ResolveContext {
  const file = text === undefined ? undefined : parseConfig(text, "vaultra.yaml");
  return { file, registry: fakeRegistry, environment, secrets: new Secrets() };
}

async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof VaultraError, String(error));
    assert.equal(error.code, "config.invalid", error.message);
    return (error.details!["problems"] as Problem[]).map(problemText);
  }
  return [];
}

const text = `version: 1
stores:
  main: { url: "bucket://backups", region: eu }
  spare: file:/srv/spare
jobs:
  orders:
    database:
      url: "acme://backup@db/orders"
      password: "\${env:ORDERS_PASSWORD}"
    store: main
    only: [a, b]
    compression: gzip
    limits: { lock-wait: 20s, log-growth: 1GiB }
  my-files.v2:
    database: single:/var/lib/app.db
    stores: { to: [spare] }
`;
const environment = { ORDERS_PASSWORD: "hunter2" };

Deno.test("resolveJob() gives a typed job with defaults", async () => {
  const job = await resolveJob("orders", {}, context(text, environment));
  const { database, store, ...rest } = job;
  assert.equal(database.plugin.plugin.name, "acme");
  assert.deepEqual(database.config, { url: "acme://backup@db/orders", password: "hunter2" });
  assert.equal(store.name, "main");
  assert.equal(store.plugin.module, "file:///bucket.ts");
  assert.deepEqual(store.config, { url: "bucket://backups", region: "eu" });
  assert.deepEqual(rest, {
    name: "orders",
    only: ["a", "b"],
    exclude: [],
    excludeData: [],
    compression: { name: "gzip", level: 6 },
    proof: "content",
    parallel: 1,
    limits: { lockWait: 20_000, writerPause: 3000, logGrowth: 2 ** 30 },
    warnings: [],
  });
});

Deno.test("resolveJob() lets a flag win over the environment, that over the file, that over the default", async () => {
  const variables = {
    ...environment,
    VAULTRA_ORDERS_ONLY: 'x, "odd,name".*',
    VAULTRA_ORDERS_COMPRESSION: "zstd:7",
    VAULTRA_ORDERS_PARALLEL: "3",
    VAULTRA_ORDERS_STORE: "spare",
    VAULTRA_ORDERS_LIMITS_LOCK_WAIT: "30s",
    VAULTRA_ORDERS_LIMITS_TIMEOUT: "1h",
    VAULTRA_MY_FILES_V2_PROOF: "rows",
    VAULTRA_CONFIG: "vaultra.yaml",
  };
  const byVariable = await resolveJob("orders", {}, context(text, variables));
  assert.deepEqual(byVariable.only, ["x", '"odd,name".*']);
  assert.deepEqual(byVariable.compression, { name: "zstd", level: 7 });
  assert.equal(byVariable.parallel, 3);
  assert.equal(byVariable.store.name, "spare");
  assert.deepEqual(byVariable.limits, {
    lockWait: 30_000,
    writerPause: 3000,
    logGrowth: 2 ** 30,
    timeout: 3_600_000,
  });
  const byFlag = await resolveJob("orders", {
    only: ["y"],
    compression: "none",
    parallel: 2,
    to: "./here",
    lockTimeout: "40s",
    timeout: "2h",
    label: "now",
    proof: "none",
    exclude: ["e"],
    excludeData: ["d"],
  }, context(text, variables));
  assert.deepEqual(byFlag.only, ["y"]);
  assert.deepEqual(byFlag.compression, { name: "none", level: 0 });
  assert.equal(byFlag.parallel, 2);
  assert.deepEqual(byFlag.store.config, { url: "./here" });
  assert.deepEqual([byFlag.limits.lockWait, byFlag.limits.timeout], [40_000, 7_200_000]);
  assert.deepEqual([byFlag.label, byFlag.proof, byFlag.exclude, byFlag.excludeData], ["now", "none", ["e"], [
    "d",
  ]]);
  const other = await resolveJob("my-files.v2", {}, context(text, variables));
  assert.deepEqual([other.proof, other.store.name], ["rows", "spare"]);
});

Deno.test("resolveJob() lets a variable or a flag replace the long form of stores", async () => {
  const job = await resolveJob("my-files.v2", {}, context(text, { VAULTRA_MY_FILES_V2_STORE: "main" }));
  assert.equal(job.store.name, "main");
});

Deno.test("resolveJob() names the flag or variable that is wrong", async () => {
  const variables = {
    ...environment,
    VAULTRA_ORDERS_PARALLEL: "many",
    VAULTRA_ORDERS_LIMITS_TIMEOUT: "6 hours",
  };
  assert.deepEqual(
    await problemsOf(resolveJob("orders", { compression: "lz4", to: "mian" }, context(text, variables))),
    [
      '--compression: expected zstd (zstd:1 to zstd:19), gzip (gzip:1 to gzip:9) or none, got "lz4"',
      'VAULTRA_ORDERS_PARALLEL: expected a number, got "many"',
      'VAULTRA_ORDERS_LIMITS_TIMEOUT: expected a duration such as 30s, 15m or 6h, got "6 hours"',
    ],
  );
  assert.deepEqual(await problemsOf(resolveJob("orders", { to: "mian" }, context(text, environment))), [
    '--to: there is no store "mian". Did you mean "main"?',
  ]);
});

Deno.test("resolveJob() refuses variables that set nothing", async () => {
  const variables = {
    ...environment,
    VAULTRA_ORDERS_COMPRESION: "zstd",
    VAULTRA_ORDERS_SCHEDULE: "x",
    VAULTRA_BANANA: "x",
    VAULTRA_CONFG: "x",
    VAULTRA_TEST_BINARY: "x",
    OTHER: "x",
  };
  assert.deepEqual(await problemsOf(resolveJob("orders", {}, context(text, variables))), [
    "VAULTRA_BANANA: this variable sets nothing",
    'VAULTRA_CONFG: this variable sets nothing. Did you mean "VAULTRA_CONFIG"?',
    'VAULTRA_ORDERS_COMPRESION: this variable sets nothing. Did you mean "VAULTRA_ORDERS_COMPRESSION"?',
    "VAULTRA_ORDERS_SCHEDULE: not supported yet: this version has no scheduler: run `vaultra backup` from cron or a systemd timer",
  ]);
});

Deno.test("resolveJob() takes a variable that the configuration refers to for known", async () => {
  const own =
    `version: 1\njobs: { a: { database: "acme://u:\${env:VAULTRA_SECRET}@db/a", store: "file:/x" } }`;
  const job = await resolveJob("a", {}, context(own, { VAULTRA_SECRET: "p@ss" }));
  assert.deepEqual(job.database.config, { url: "acme://u:p%40ss@db/a" });
});

Deno.test("resolveJob() refuses a variable that two jobs share", async () => {
  const twins = `version: 1\njobs:\n  a-b: &job { database: "single:/x", store: "file:/x" }\n  a.b: *job\n`;
  assert.deepEqual(await problemsOf(resolveJob("a-b", {}, context(twins, { VAULTRA_A_B_PROOF: "rows" }))), [
    "VAULTRA_A_B_PROOF: it could set a-b.proof or a.b.proof: rename one of the jobs",
  ]);
});

Deno.test("resolveJob() needs the secrets of its own job only", async () => {
  assert.equal((await resolveJob("my-files.v2", {}, context(text))).name, "my-files.v2");
  assert.deepEqual(await problemsOf(resolveJob("orders", {}, context(text))), [
    'vaultra.yaml:9:17: jobs.orders.database.password: the environment variable "ORDERS_PASSWORD" is not set',
  ]);
});

Deno.test("resolveJob() reports a plugin's issues at the line of the key", async () => {
  const wrong = `version: 1
jobs:
  a:
    store: file:/x
    database:
      url: acme://db/a
      prot: 5
      port: x
      tls:
        mode: on
  b:
    database: acme
`;
  assert.deepEqual(await problemsOf(checkConfig(context(wrong))), [
    'vaultra.yaml:7:7: jobs.a.database.prot: there is no such key. Did you mean "port"?',
    'vaultra.yaml:8:13: jobs.a.database.port: expected a number, got "x"',
    'vaultra.yaml:10:15: jobs.a.database.tls.mode: expected off or verify-full, got "on"',
    'vaultra.yaml:11:3: jobs.b: no store is named for "b": add `store`, or --to with an address or a folder',
    'vaultra.yaml:12:15: jobs.b.database: "acme" does not say which kind of database it is: begin it with acme: or acmedb: or single:',
  ]);
});

Deno.test("resolveJob() warns of a password in plain text, and masks it everywhere", async () => {
  const plain =
    `version: 1\njobs:\n  a:\n    store: file:/x\n    database: { url: "acme://u:hunter2@db/a", password: topsecret }\n`;
  const given = context(plain);
  const job = await resolveJob("a", {}, given);
  assert.equal(job.warnings.length, 2);
  assert.match(
    job.warnings[0]!,
    /^vaultra.yaml:5:22: jobs.a.database.url: a secret stands here in plain text/,
  );
  assert.ok(!job.warnings.join().includes("hunter2"));
  assert.equal(given.secrets.redact("hunter2 topsecret"), "*** ***");
  assert.ok(!JSON.stringify(describeJob(job)).includes("hunter2"));
});

Deno.test("resolveJob() shows no resolved secret in a plugin's message", async () => {
  const own = `version: 1\njobs: { a: { database: { url: "acme:\${env:HIDDEN}" }, store: "file:/x" } }`;
  const problems = await problemsOf(resolveJob("a", {}, context(own, { HIDDEN: "//no host//[" })));
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /the address "acme:\*\*\*" names no host$/);
});

Deno.test("resolveJob() suggests a job that was meant", async () => {
  await assert.rejects(resolveJob("order", {}, context(text)), {
    code: "usage.unknown-job",
    hint: 'Did you mean "orders"?',
  });
  await assert.rejects(resolveJob("x", {}, context(text)), {
    hint: "The configuration has orders, my-files.v2.",
  });
  await assert.rejects(resolveJob("constructor", {}, context(text)), { code: "usage.unknown-job" });
  await assert.rejects(resolveJob("x", {}, context(undefined)), { code: "config.not-found" });
});

Deno.test("resolveJob() takes the only store when a job names none, and asks when there are several", async () => {
  const one = 'version: 1\nstores: { main: "file:/x" }\njobs: { a: { database: "single:/x" } }';
  assert.equal((await resolveJob("a", {}, context(one))).store.name, "main");
  const two = one.replace("}", ', more: "file:/y" }');
  assert.deepEqual(await problemsOf(resolveJob("a", {}, context(two))), [
    'vaultra.yaml:3:9: jobs.a: no store is named for "a": add `store` or --to with one of main, more',
  ]);
});

Deno.test("adHocJob() makes a job of an address, called as the database", async () => {
  const job = await adHocJob(
    "acme://u:${env:PW}@db/My%20Shop",
    { to: "bucket://b" },
    context(undefined, { PW: "x@y" }),
  );
  assert.equal(job.name, "My-Shop");
  assert.deepEqual(job.database.config, { url: "acme://u:x%40y@db/My%20Shop" });
  assert.equal(job.store.name, "bucket://b");
  assert.deepEqual(job.warnings, []);
  const odd = await adHocJob("acme://db/..%2Fetc", { to: "/srv" }, context(undefined));
  assert.equal(odd.name, "etc");
  assert.deepEqual(odd.store.config, { url: "/srv" });
  assert.equal((await adHocJob("acme://db/%2F", { to: "/srv" }, context(undefined))).name, "acme");
  assert.equal(
    (await adHocJob(`acme://db/${"x".repeat(300)}`, { to: "/srv" }, context(undefined))).name.length,
    100,
  );
});

Deno.test("adHocJob() uses the stores of the file and the variables of its name", async () => {
  const variables = { ...environment, VAULTRA_SHOP_PROOF: "rows", VAULTRA_SHOP_STORE: "spare" };
  const job = await adHocJob("acme://db/shop", {}, context(text, variables));
  assert.deepEqual([job.proof, job.store.name], ["rows", "spare"]);
});

Deno.test("adHocJob() warns of a password in the address", async () => {
  const job = await adHocJob("acme://u:hunter2@db/shop", { to: "/srv" }, context(undefined));
  assert.match(job.warnings.join(), /^--db: a secret stands here in plain text/);
});

Deno.test("adHocJob() says what is wrong with the addresses", async () => {
  const wrong = (db: string, to?: string) => problemsOf(adHocJob(db, { to }, context(undefined)));
  assert.deepEqual(await wrong("amce://db/x", "/srv"), [
    '--db: no database has addresses that begin with "amce:". Did you mean "acme:"?',
  ]);
  assert.match(
    (await wrong("./app.db", "/srv"))[0]!,
    /^--db: ".\/app.db" does not say which kind of database it is/,
  );
  assert.deepEqual(await wrong("acme://db/x", "backups"), [
    '--to: there is no store "backups" ("./backups" would be a folder)',
  ]);
  assert.match(
    (await wrong("acme://db/x", "gopher://x"))[0]!,
    /^--to: no store has addresses that begin with "gopher:"/,
  );
  await assert.rejects(adHocJob("acme://db/x", {}, context(undefined)), {
    code: "config.invalid",
    message: 'No store is named for "x": add `store`, or --to with an address or a folder',
  });
});

Deno.test("adHocJob() finds the one job of an engine", async () => {
  assert.equal((await adHocJob("acmedb", { proof: "rows" }, context(text, environment))).name, "orders");
  assert.equal((await adHocJob("single", {}, context(text))).name, "my-files.v2");
  const several = `${text}  more: { database: "single:/y", store: spare }\n`;
  await assert.rejects(adHocJob("single", {}, context(several)), {
    code: "usage.database",
    message: "Several jobs are of single databases: my-files.v2, more",
  });
  const byReference = 'version: 1\njobs: { a: { database: "${env:DB}", store: "file:/x" } }';
  assert.equal((await adHocJob("acme", {}, context(byReference, { DB: "acme://db/x" }))).name, "a");
  await assert.rejects(adHocJob("single", {}, context(byReference, { DB: "acme://db/x" })), {
    message: "The configuration has no job of a single database",
  });
  await assert.rejects(adHocJob("acne", {}, context(text)), {
    code: "usage.database",
    hint: 'Did you mean "acme"?',
  });
  await assert.rejects(adHocJob("acme", {}, context(undefined)), { code: "config.not-found" });
});

Deno.test("resolveStore() and resolveDatabase() take names, addresses and folders", async () => {
  const given = context(text, { WHERE: "/srv/x" });
  assert.equal((await resolveStore("main", given, "--store")).plugin.plugin.name, "bucket");
  assert.deepEqual((await resolveStore("${env:WHERE}", given, "--store")).config, { url: "/srv/x" });
  assert.deepEqual((await resolveStore("C:\\backups", given, "--store")).plugin.plugin.name, "file");
  const { name } = await resolveStore("bucket://key:hunter2@b", given, "--store");
  assert.equal(name, "bucket://key:***@b");
  assert.equal((await resolveDatabase("acme://db/x", given, "--to")).plugin.plugin.name, "acme");
  assert.deepEqual(await problemsOf(resolveDatabase("${env:NONE}", given, "--to")), [
    '--to: the environment variable "NONE" is not set',
  ]);
});

Deno.test("checkConfig() finds every problem of every job and store at once", async () => {
  const wrong = `version: 1
stores:
  main: { url: "bucket://b", regoin: eu }
  lost: { url: "bucket://b", access-key: "\${env:LOST}" }
jobs:
  a: { database: "acme://u:\${env:GONE}@db/a", store: main }
  b: { database: { url: "acme://db/b", port: 0 }, store: lost }
`;
  assert.deepEqual(await problemsOf(checkConfig(context(wrong, { VAULTRA_A_PROFO: "rows" }))), [
    'vaultra.yaml:3:30: stores.main.regoin: there is no such key. Did you mean "region"?',
    'vaultra.yaml:4:42: stores.lost.access-key: the environment variable "LOST" is not set',
    'vaultra.yaml:6:18: jobs.a.database: the environment variable "GONE" is not set',
    "vaultra.yaml:7:46: jobs.b.database.port: expected a number of at least 1, got 0",
    'VAULTRA_A_PROFO: this variable sets nothing. Did you mean "VAULTRA_A_PROOF"?',
  ]);
});

Deno.test("checkConfig() returns warnings of a configuration that is valid", async () => {
  assert.deepEqual(await checkConfig(context(text, environment)), []);
  const plain = text.replace("${env:ORDERS_PASSWORD}", "hunter2");
  assert.equal((await checkConfig(context(plain))).length, 1);
});

Deno.test("describeJob() shows a job in the file's words", async () => {
  assert.deepEqual(describeJob(await resolveJob("orders", { timeout: "90m" }, context(text, environment))), {
    database: { engine: "acme", host: "db" },
    store: { name: "main", kind: "bucket", url: "bucket://backups", region: "eu" },
    only: ["a", "b"],
    exclude: [],
    "exclude-data": [],
    compression: "gzip:6",
    proof: "content",
    parallel: 1,
    limits: { "lock-wait": "20s", "writer-pause": "3s", "log-growth": "1GiB", timeout: "90m" },
  });
});
