import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeRegistry } from "../../tests/fakes/fake_plugins.ts";
import { VaultraError } from "../errors.ts";
import { parseConfig } from "./config_file.ts";
import { describeJob } from "./describe_job.ts";
import { type Problem, problemText } from "./problems.ts";
import { adHocJob, checkConfig, type ResolveContext, resolveJob, resolveRecipients } from "./resolve.ts";
import { Secrets } from "./secrets.ts";

const one = "age1nexe30fu9kcafvglmtdm9g0rf5yq02azu0qdrvzr2fuw66r47vqsqa5lx3";
const two = "age180qll8t04kt6duh5fffhtyhhcp3pq2d7cncw9hexcad9gewclgesgv82vj";
const oneIdentity = "AGE-SECRET-KEY-15YE9MCY05V2GFS0JC0PS76WL0JNHC3LQNW06RZFN4G7HHX77EP2SY2FGZM";

function context(jobs: string, environment: Record<string, string> = {}): ResolveContext {
  const text = `version: 1
stores: { main: "file:/x" }
keys:
  backup: { recipient: ${one} }
  offline: { recipient: "\${env:OFFLINE}" }
jobs:
${jobs}`;
  return {
    file: parseConfig(text, "vaultra.yaml"),
    registry: fakeRegistry,
    environment,
    secrets: new Secrets(),
  };
}

async function problemsOf(work: () => unknown): Promise<string[]> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof VaultraError, String(error));
    assert.equal(error.code, "config.invalid", error.message);
    return (error.details!["problems"] as Problem[]).map(problemText);
  }
  return [];
}

const job = (encryption: string) => `  a: { database: "single:/x", encryption: ${encryption} }\n`;

Deno.test("resolveJob() makes recipients of names and references, each once", async () => {
  const given = context(job(`{ to: [backup, offline, ${one}, "\${env:MORE}"] }`), {
    OFFLINE: two,
    MORE: "backup",
  });
  assert.deepEqual((await resolveJob("a", {}, given)).encryption, { recipients: [one, two] });
  assert.equal((await resolveJob("a", {}, context("  a: { database: 'single:/x' }"))).encryption, undefined);
});

Deno.test("resolveJob() takes a passphrase by reference, and shows it nowhere", async () => {
  const given = context(job('{ passphrase: "${env:PHRASE}" }'), { PHRASE: "correct ${horse}" });
  const resolved = await resolveJob("a", {}, given);
  assert.deepEqual(resolved.encryption, { passphrase: "correct ${horse}" });
  assert.deepEqual(describeJob(resolved)["encryption"], { passphrase: "***" });
  assert.equal(given.secrets.redact("correct ${horse}"), "***");
  assert.deepEqual(resolved.warnings, []);
});

Deno.test("resolveJob() warns of a passphrase in plain text", async () => {
  const given = context(job('{ passphrase: "correct horse" }'));
  const { warnings } = await resolveJob("a", {}, given);
  assert.match(
    warnings.join(),
    /^vaultra.yaml:7:57: jobs.a.encryption.passphrase: a secret stands here in plain text/,
  );
  assert.equal(given.secrets.redact("correct horse"), "***");
});

Deno.test("resolveJob() lets one layer say all of encryption", async () => {
  const file = job("{ to: [backup] }");
  const variables = { VAULTRA_A_ENCRYPTION_PASSPHRASE: "by variable" };
  const encryption = async (flags: Parameters<typeof resolveJob>[1], environment: Record<string, string>) =>
    (await resolveJob("a", flags, context(file, environment))).encryption;
  assert.deepEqual(await encryption({}, variables), { passphrase: "by variable" });
  assert.deepEqual(await encryption({}, { VAULTRA_A_ENCRYPTION_TO: `backup, ${two}` }), {
    recipients: [one, two],
  });
  assert.deepEqual(await encryption({ recipient: [two] }, variables), { recipients: [two] });
  assert.deepEqual(await encryption({ passphrase: "${env:X}" }, variables), { passphrase: "${env:X}" });
  assert.deepEqual(
    await problemsOf(() => encryption({}, { ...variables, VAULTRA_A_ENCRYPTION_TO: "backup" })),
    ["VAULTRA_A_ENCRYPTION_PASSPHRASE: only one of to and passphrase is allowed"],
  );
});

Deno.test("resolveJob() encrypts with VAULTRA_PASSPHRASE_FILE what would not be encrypted otherwise", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "phrase");
    await Deno.writeTextFile(path, "from a file\n", { mode: 0o600 });
    const variables = { VAULTRA_PASSPHRASE_FILE: path };
    const plain = await resolveJob("a", {}, context("  a: { database: 'single:/x' }", variables));
    assert.deepEqual([plain.encryption, plain.warnings], [{ passphrase: "from a file" }, []]);
    const named = await resolveJob("a", {}, context(job("{ to: [backup] }"), variables));
    assert.deepEqual(named.encryption, { recipients: [one] });
    const missing = context("  a: { database: 'single:/x' }", { VAULTRA_PASSPHRASE_FILE: `${path}x` });
    assert.match(
      (await problemsOf(() => resolveJob("a", {}, missing))).join(),
      /^VAULTRA_PASSPHRASE_FILE: The passphrase file cannot be used: there is no file/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("parseConfig() names what encryption cannot mean", async () => {
  const wrong = async (encryption: string) => (await problemsOf(() => context(job(encryption)))).join();
  assert.equal(
    await wrong("{ to: [backpu] }"),
    'vaultra.yaml:7:50: jobs.a.encryption.to[0]: there is no key "backpu". Did you mean "backup"?',
  );
  assert.match(await wrong("{ to: [xyz] }"), /there is no key "xyz"; there are backup, offline$/);
  assert.match(await wrong("{ to: [age1abc] }"), /"age1abc" is not a whole age recipient$/);
  const secret = await wrong(`{ to: [${oneIdentity}] }`);
  assert.match(secret, /a secret identity stands here: write the recipient/);
  assert.ok(!secret.includes("15YE9M"));
  assert.match(await wrong("{}"), /jobs.a.encryption: one of to and passphrase is needed$/);
  assert.match(await wrong("{ to: [] }"), /jobs.a.encryption.to: expected at least 1 entries, got a list$/);
  assert.match(await wrong("{ to: [backup], passphrase: x }"), /only one of to and passphrase is allowed$/);
  assert.match(
    await wrong("{ too: [backup] }"),
    /encryption.too: there is no such key. Did you mean "to"\?$/,
  );
  assert.match(await wrong(`${one}`), /jobs.a.encryption: expected a mapping, got a text/);
});

Deno.test("resolveJob() and checkConfig() check recipients by their checksum", async () => {
  const mistyped = `${one.slice(0, -1)}4`;
  const given = context(job(`{ to: [${mistyped}] }`), { OFFLINE: `${two.slice(0, -1)}k` });
  assert.deepEqual(await problemsOf(() => checkConfig(given)), [
    `vaultra.yaml:5:25: keys.offline.recipient: the recipient "***" is mistyped: its checksum is wrong`,
    `vaultra.yaml:7:50: jobs.a.encryption.to[0]: the recipient "${mistyped}" is mistyped: its checksum is wrong`,
  ]);
  assert.match(
    (await problemsOf(() => resolveJob("a", { recipient: ["bakcup"] }, given))).join(),
    /^--recipient: there is no key "bakcup". Did you mean "backup"\?$/,
  );
});

Deno.test("adHocJob() and resolveRecipients() know the names of keys, and work without a file", async () => {
  const given = context("  {}", { OFFLINE: two });
  assert.deepEqual((await adHocJob("acme://db/x", { recipient: ["offline"] }, given)).encryption, {
    recipients: [two],
  });
  assert.deepEqual(await resolveRecipients(["backup", "offline"], given, "--to"), [one, two]);
  const none = { ...given, file: undefined };
  assert.deepEqual(await resolveRecipients([two], none, "--to"), [two]);
  assert.deepEqual(await problemsOf(() => resolveRecipients(["backup"], none, "--to")), [
    '--to: there is no key "backup": write an age recipient, age1…, or name it under `keys`',
  ]);
});
