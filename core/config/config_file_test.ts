import assert from "node:assert/strict";
import { join } from "node:path";
import { VaultraError } from "../errors.ts";
import { configPaths, loadConfig, parseConfig } from "./config_file.ts";
import { type Problem, problemText } from "./problems.ts";

/** The problems of a configuration, one line each. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, "vaultra.yaml");
  } catch (error) {
    assert.ok(error instanceof VaultraError, String(error));
    assert.equal(error.code, "config.invalid");
    assert.equal(error.exitCode, 2);
    return (error.details!["problems"] as Problem[]).map(problemText);
  }
  return [];
}

const valid = `version: 1
stores:
  main: { url: "file:/srv/backups" }
  other: file:/srv/other
keys:
  backup: { recipient: age1nexe30fu9kcafvglmtdm9g0rf5yq02azu0qdrvzr2fuw66r47vqsqa5lx3, identity: "\${file:/run/secrets/backup}" }
signing: { key: "\${file:/run/secrets/signing}", trusted: ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="] }
jobs:
  orders:
    encryption: { to: [backup, age1nexe30fu9kcafvglmtdm9g0rf5yq02azu0qdrvzr2fuw66r47vqsqa5lx3, "\${env:MORE}"] }
    database: { url: "acme://db/orders", password: "\${file:/run/secrets/orders}", tls: { mode: verify-full } }
    only: ["public.*"]
    exclude-data: [public.cache]
    stores: { to: [main], quorum: all }
    compression: zstd:9
    proof: rows
    parallel: 4
    limits: { lock-wait: 10s, writer-pause: 500ms, log-growth: 20GiB, timeout: 6h }
    label: nightly
  files:
    database: single:/var/lib/app.db
    store: file:/mnt/backups
`;

Deno.test("parseConfig() takes every key of this version", () => {
  const file = parseConfig(valid, "vaultra.yaml");
  assert.deepEqual(Object.keys(file.jobs), ["orders", "files"]);
  assert.deepEqual(Object.keys(file.stores), ["main", "other"]);
});

Deno.test("parseConfig() names the nearest key and the line of an unknown one, at every depth", () => {
  const problems = problemsOf(`version: 1
storres:
  main: file:/srv
jobs:
  orders:
    database: acme://db/orders
    store: file:/srv
    compresion: zstd
    limits: { lock-wait: 5s,
      tiemout: 3s }
    stores2: x
    banana: x
`);
  assert.deepEqual(problems.slice(0, 4), [
    'vaultra.yaml:2:1: storres: there is no such key. Did you mean "stores"?',
    'vaultra.yaml:8:5: jobs.orders.compresion: there is no such key. Did you mean "compression"?',
    'vaultra.yaml:10:7: jobs.orders.limits.tiemout: there is no such key. Did you mean "timeout"?',
    'vaultra.yaml:11:5: jobs.orders.stores2: there is no such key. Did you mean "stores"?',
  ]);
  assert.match(
    problems[4]!,
    /^vaultra.yaml:12:5: jobs.orders.banana: there is no such key; known are database, store,/,
  );
});

Deno.test("parseConfig() says what was expected and what stands there", () => {
  const problems = problemsOf(`version: 2
stores: { main: 5, "a/b": "file:/x" }
jobs:
  orders:
    database: { uri: "acme://db" }
    store: { url: x }
    only: public.*
    exclude: [1, a]
    compression: zstd:99
    proof: all
    parallel: x
    limits: { lock-wait: 5, timeout: 90d, log-growth: lots }
    label: ""
  more: []
  empty:
  nothing: {}
  few: { database: "acme://db", parallel: 0 }
  many: { database: "acme://db", parallel: 1000 }
  half: { database: "acme://db", parallel: 1.5 }
  deep: { database: "acme://db", stores: { to: [main, main], quorum: 2 } }
`);
  assert.deepEqual(problems, [
    "vaultra.yaml:1:10: version: expected 1, the only version that this program reads, got 2",
    "vaultra.yaml:2:17: stores.main: expected text or a mapping, got 5",
    'vaultra.yaml:2:20: stores."a/b": a name has letters, digits, dots, dashes and underscores, 100 at most',
    "vaultra.yaml:5:5: jobs.orders.database.url: is missing",
    "vaultra.yaml:6:12: jobs.orders.store: expected text, got a mapping",
    "vaultra.yaml:7:11: jobs.orders.only: expected a list, got a text",
    "vaultra.yaml:8:15: jobs.orders.exclude[0]: expected text, got 1",
    'vaultra.yaml:9:18: jobs.orders.compression: expected zstd (zstd:1 to zstd:19), gzip (gzip:1 to gzip:9) or none, got "zstd:99"',
    'vaultra.yaml:10:12: jobs.orders.proof: expected none, rows or content, got "all"',
    'vaultra.yaml:11:15: jobs.orders.parallel: expected a number, got "x"',
    "vaultra.yaml:12:26: jobs.orders.limits.lock-wait: expected a duration such as 30s, 15m or 6h, got 5",
    'vaultra.yaml:12:38: jobs.orders.limits.timeout: "90d" is not a duration of up to 24 days',
    'vaultra.yaml:12:55: jobs.orders.limits.log-growth: expected a size such as 512MiB, got "lots"',
    'vaultra.yaml:13:12: jobs.orders.label: expected one line of 1 to 1000 characters without control characters, got ""',
    "vaultra.yaml:14:9: jobs.more: expected a mapping, got a list",
    "vaultra.yaml:15:9: jobs.empty: expected a mapping, got nothing",
    "vaultra.yaml:16:3: jobs.nothing.database: is missing",
    "vaultra.yaml:17:43: jobs.few.parallel: expected a number of at least 1, got 0",
    "vaultra.yaml:18:44: jobs.many.parallel: expected a number of at most 64, got 1000",
    "vaultra.yaml:19:44: jobs.half.parallel: expected a whole number, got 1.5",
    "vaultra.yaml:20:48: jobs.deep.stores.to: this version writes to exactly one store",
    "vaultra.yaml:20:70: jobs.deep.stores.quorum: expected all, any or 1, got 2",
  ]);
});

Deno.test("parseConfig() refuses keys of later versions with what this one does not do", () => {
  const problems = problemsOf(`version: 1
notifications: {}
telemetry: {}
proxy: {}
jobs:
  orders:
    database: acme://db/orders
    store: file:/srv
    databases: all
    mode: logical
    max-rate: 80MiB/s
    schedule: {}
    retention: {}
    drill: {}
    notify: []
    hooks: {}
    limits: { replica-lag: 5m }
`);
  assert.equal(problems.length, 12);
  for (const problem of problems) assert.match(problem, /: not supported yet: this version \w+/);
  assert.match(problems[3]!, /^vaultra.yaml:9:5: jobs.orders.databases: .* backs up one database a job/);
});

Deno.test("parseConfig() checks that the stores of jobs exist", () => {
  const problems = problemsOf(`version: 1
stores: { main: "file:/srv" }
jobs:
  a: { database: "acme://db/a", store: mian }
  b: { database: "acme://db/b", stores: { to: [elsewhere] } }
  c: { database: "acme://db/c", store: main, stores: { to: [main] } }
  d: { database: "acme://db/d", store: ./folder }
  e: { database: "acme://db/e", store: "\${env:STORE}" }
  A: { database: "acme://db/f", store: main }
`);
  assert.deepEqual(problems, [
    'vaultra.yaml:4:40: jobs.a.store: there is no store "mian". Did you mean "main"?',
    'vaultra.yaml:5:48: jobs.b.stores.to[0]: there is no store "elsewhere"; there are main',
    "vaultra.yaml:6:46: jobs.c.stores: only one of store and stores is allowed",
    'vaultra.yaml:9:3: jobs.A: the name differs from "a" only in case, which some stores cannot tell apart',
  ]);
});

Deno.test("parseConfig() leaves to the run what a reference stands for, but not its kind", () => {
  const job = (keys: string) =>
    `version: 1\njobs: { a: { database: "\${env:DB}", store: "\${env:S}", ${keys} } }`;
  assert.deepEqual(
    problemsOf(job('compression: "${env:C}", proof: "${env:P}", limits: { timeout: "${env:T}" }')),
    [],
  );
  assert.equal(problemsOf(job('parallel: "${env:N}"')).length, 1);
  assert.equal(problemsOf(job('compression: "$${env:C}"')).length, 1, "an escaped brace is no reference");
});

Deno.test("parseConfig() shows no secret in its messages", () => {
  const text = `version: 1
jobs:
  a:
    database: { url: "acme://u:hunter2@db/a" }
    proof: "acme://u:hunter2@db"
    password: hunter2
    limits: { token: hunter2 }
`;
  const problems = problemsOf(text);
  assert.equal(problems.length, 3);
  assert.ok(problems.every((problem) => !problem.includes("hunter2")), problems.join("\n"));
});

Deno.test("parseConfig() puts the first problems into the message and all into the details", () => {
  const text = `version: 1\njobs:\n${Array.from({ length: 30 }, (_, index) => `  j${index}: 5`).join("\n")}`;
  assert.throws(() => parseConfig(text, "vaultra.yaml"), (error: VaultraError) => {
    const lines = error.message.split("\n");
    assert.equal(lines[0], "The configuration has 30 problems:");
    assert.equal(lines[1], "vaultra.yaml:3:7: jobs.j0: expected a mapping, got 5");
    assert.equal(lines.at(-1), "and 20 more");
    assert.deepEqual((error.details!["problems"] as Problem[])[29], {
      place: "vaultra.yaml:32:8",
      line: 32,
      column: 8,
      path: "jobs.j29",
      message: "expected a mapping, got 5",
    });
    return true;
  });
});

Deno.test("parseConfig() refuses what is no mapping", () => {
  assert.deepEqual(problemsOf(""), ["vaultra.yaml:1:1: the file is empty; it must begin with `version: 1`"]);
  assert.deepEqual(problemsOf("[1]"), ["vaultra.yaml:1:1: expected a mapping, got a list"]);
  assert.deepEqual(problemsOf("version: 1\njobs:\n"), [
    "vaultra.yaml:2:6: jobs: expected a mapping, got nothing",
  ]);
  assert.deepEqual(problemsOf("version: 1\njobs: { constructor: { database: x } }"), []);
});

Deno.test("configPaths() looks in the current folder, then the user's, then the system's", () => {
  const paths = (platform: typeof Deno.build.os, environment: Record<string, string>) =>
    configPaths({ platform, environment });
  assert.deepEqual(paths("linux", { HOME: "/home/ada" }), [
    "vaultra.yaml",
    "/home/ada/.config/vaultra/vaultra.yaml",
    "/etc/vaultra/vaultra.yaml",
  ]);
  assert.equal(paths("darwin", { HOME: "/h", XDG_CONFIG_HOME: "/x" })[1], "/x/vaultra/vaultra.yaml");
  assert.equal(paths("linux", { HOME: "/h", XDG_CONFIG_HOME: "rel" })[1], "/h/.config/vaultra/vaultra.yaml");
  assert.deepEqual(paths("linux", {}), ["vaultra.yaml", "/etc/vaultra/vaultra.yaml"]);
  assert.deepEqual(paths("windows", { APPDATA: "C:\\Users\\ada\\AppData", ProgramData: "C:\\ProgramData" }), [
    "vaultra.yaml",
    "C:\\Users\\ada\\AppData\\vaultra\\vaultra.yaml",
    "C:\\ProgramData\\vaultra\\vaultra.yaml",
  ]);
});

Deno.test("loadConfig() takes the flag before the variable before the user's folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (path: string, job: string) => {
      await Deno.writeTextFile(
        path,
        `version: 1\njobs: { ${job}: { database: "acme://db", store: "file:/x" } }`,
      );
      return path;
    };
    await Deno.mkdir(join(folder, "vaultra"));
    await write(join(folder, "vaultra", "vaultra.yaml"), "user");
    const flag = await write(join(folder, "flag.yaml"), "flag");
    const variable = await write(join(folder, "variable.yaml"), "variable");
    const jobs = async (path: string | undefined, more: Record<string, string>) =>
      Object.keys(
        (await loadConfig({ path, environment: { XDG_CONFIG_HOME: folder, ...more }, platform: "linux" }))
          ?.jobs ?? {},
      );
    assert.deepEqual(await jobs(flag, { VAULTRA_CONFIG: variable }), ["flag"]);
    assert.deepEqual(await jobs(undefined, { VAULTRA_CONFIG: variable }), ["variable"]);
    assert.deepEqual(await jobs(undefined, {}), ["user"]);
    await assert.rejects(jobs(join(folder, "none.yaml"), {}), {
      code: "config.not-found",
      message: `Cannot read the configuration: there is no file "${join(folder, "none.yaml")}"`,
    });
    await assert.rejects(jobs(undefined, { VAULTRA_CONFIG: "/none.yaml" }), { code: "config.not-found" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadConfig() refuses a folder, a file that is too large and one that is no text", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "vaultra.yaml");
    const load = (path: string) => loadConfig({ path, environment: {} });
    await assert.rejects(load(folder), { code: "config.unreadable", message: /it is a folder$/ });
    await Deno.writeFile(path, new Uint8Array((1 << 20) + 1).fill(35));
    await assert.rejects(load(path), { code: "config.unreadable", message: /is larger than 1024 KiB$/ });
    await Deno.writeFile(path, new Uint8Array([0x61, 0xff, 0xfe]));
    await assert.rejects(load(path), { code: "config.unreadable", message: /is not UTF-8 text$/ });
    if (Deno.build.os !== "windows") await assert.rejects(load("/dev/zero"), { message: /is larger than/ });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
