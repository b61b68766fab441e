import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeRegistry } from "../../tests/fakes/fake_plugins.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { VaultraError } from "../errors.ts";
import { parseConfig } from "./config_file.ts";
import { resolveKeyring } from "./keyring.ts";
import { checkConfig, type ResolveContext } from "./resolve.ts";
import { Secrets } from "./secrets.ts";

const recipient = "age1nexe30fu9kcafvglmtdm9g0rf5yq02azu0qdrvzr2fuw66r47vqsqa5lx3";
const identity = "AGE-SECRET-KEY-15YE9MCY05V2GFS0JC0PS76WL0JNHC3LQNW06RZFN4G7HHX77EP2SY2FGZM";
const other = "AGE-SECRET-KEY-1SCND2877M69JQ544E65L70YZVTS2ZKKVHVDZR8GDNHG22W2V2XGSGQY8NN";

function context(text: string | undefined, environment: Record<string, string> = {}): ResolveContext {
  const file = text === undefined ? undefined : parseConfig(`version: 1\n${text}`, "vaultra.yaml");
  return { file, registry: fakeRegistry, environment, secrets: new Secrets() };
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
  return path;
}

Deno.test("resolveKeyring() takes the keys of one layer: flags, then environment, then configuration", async () => {
  using folder = temporaryFolder();
  const flag = write(folder.path, "flag", `# one\n${identity}\n`);
  const variable = write(folder.path, "variable", other);
  const phrase = write(folder.path, "phrase", "by variable\n");
  const text = `keys: { a: { recipient: ${recipient}, identity: "\${file:${flag}}" } }
jobs: { j: { database: "single:/x", encryption: { passphrase: "\${env:PHRASE}" } } }`;
  const environment = { PHRASE: "of the job" };
  const variables = { ...environment, VAULTRA_IDENTITY_FILE: variable, VAULTRA_PASSPHRASE_FILE: phrase };

  const configured = context(text, environment);
  assert.deepEqual(await resolveKeyring(configured, {}, assert.fail), {
    identities: [identity],
    passphrases: ["of the job"],
  });
  assert.equal(configured.secrets.redact(`${identity} of the job`), "*** ***");
  assert.deepEqual(await resolveKeyring(context(text, variables), {}, assert.fail), {
    identities: [other],
    passphrases: ["by variable"],
  });
  assert.deepEqual(await resolveKeyring(context(text, variables), { identityFile: [flag] }, assert.fail), {
    identities: [identity],
    passphrases: [],
  });
  assert.deepEqual(
    await resolveKeyring(
      context(undefined),
      { identityFile: [flag, variable], passphraseFile: phrase },
      assert.fail,
    ),
    { identities: [identity, other], passphrases: ["by variable"] },
  );
  assert.deepEqual(await resolveKeyring(context(undefined), {}, assert.fail), {
    identities: [],
    passphrases: [],
  });
});

Deno.test("resolveKeyring() takes a job's passphrase from its variable", async () => {
  const text = 'jobs: { j: { database: "single:/x" } }';
  const given = context(text, { VAULTRA_J_ENCRYPTION_PASSPHRASE: "by variable" });
  assert.deepEqual((await resolveKeyring(given, {}, assert.fail)).passphrases, ["by variable"]);
});

Deno.test("resolveKeyring() goes on without keys of the configuration that are not here, and says which", async () => {
  const text = `keys:
  a: { recipient: ${recipient}, identity: "\${env:A}" }
  b: { recipient: ${recipient}, identity: "\${env:B}" }
  c: { recipient: ${recipient} }
jobs: { j: { database: "single:/x", encryption: { passphrase: "\${env:PHRASE}" } } }`;
  assert.deepEqual(await resolveKeyring(context(text, { A: identity, B: "hunter2" }), {}, assert.fail), {
    identities: [identity],
    passphrases: [],
    unreadable: [
      "vaultra.yaml:4:93: keys.b.identity: the text holds something else than an identity AGE-SECRET-KEY-1…",
      'vaultra.yaml:6:63: jobs.j.encryption.passphrase: the environment variable "PHRASE" is not set',
    ],
  });
});

Deno.test("resolveKeyring() refuses a named file that cannot be used", async () => {
  using folder = temporaryFolder();
  const file = write(folder.path, "file", "hunter2");
  const keys = (flags: Parameters<typeof resolveKeyring>[1], environment = {}) =>
    resolveKeyring(context(undefined, environment), flags, assert.fail);
  await assert.rejects(keys({ identityFile: [file] }), {
    code: "config.identity",
    message: `The identity file "${file}" holds something else than an identity AGE-SECRET-KEY-1…`,
  });
  await assert.rejects(keys({ passphraseFile: `${file}x` }), { code: "config.key-file" });
  await assert.rejects(keys({}, { VAULTRA_IDENTITY_FILE: `${file}x` }), { code: "config.key-file" });
});

Deno.test("checkConfig() checks identities, and warns of one in plain text", async () => {
  const text = `keys: { a: { recipient: ${recipient}, identity: ${identity} } }`;
  const given = context(text);
  const warnings = await checkConfig(given);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^vaultra.yaml:2:\d+: keys.a.identity: a secret stands here in plain text/);
  assert.equal(given.secrets.redact(identity), "***");
  await assert.rejects(checkConfig(context(text.replace(identity, recipient))), {
    message: /keys.a.identity: the text holds a recipient, which encrypts, and no identity, which opens$/,
  });
  const mistyped = identity.replace(/M$/, "Q");
  const wrong = context(text.replace(identity, mistyped));
  await assert.rejects(checkConfig(wrong), (error) => {
    assert.ok(error instanceof VaultraError && error.code === "config.invalid");
    assert.match(
      error.message,
      /keys.a.identity: the text holds an identity that is mistyped: its checksum is wrong$/,
    );
    assert.ok(!JSON.stringify(error.toData()).includes(mistyped.slice(20)), "the error quotes it");
    return true;
  });
  // Elsewhere it is passed over like a key that this machine lacks, and told when nothing opens an archive.
  const { identities, unreadable } = await resolveKeyring(wrong, {}, assert.fail);
  assert.deepEqual([identities, unreadable?.length], [[], 1]);
});
