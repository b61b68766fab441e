import assert from "node:assert/strict";
import { fakeRegistry } from "../../tests/fakes/fake_plugins.ts";
import { run } from "../../tests/fakes/machine.ts";
import { generateSigningKey } from "../signing/signing_key.ts";
import { parseConfig } from "./config_file.ts";
import { describeJob } from "./describe_job.ts";
import { checkConfig, type ResolveContext, resolveJob } from "./resolve.ts";
import { Secrets } from "./secrets.ts";
import { resolveTrusted } from "./signing.ts";

function context(signing: string, environment: Record<string, string> = {}): ResolveContext {
  const text = `version: 1
signing: ${signing}
stores: { main: "file:/x" }
jobs: { a: { database: "single:/x" } }
`;
  return {
    file: parseConfig(text, "vaultra.yaml"),
    registry: fakeRegistry,
    environment,
    secrets: new Secrets(),
  };
}

const byReference = '{ key: "${env:KEY}" }';

Deno.test("resolveJob() signs with the key of the configuration, and shows it nowhere", async () => {
  const { pem } = await generateSigningKey();
  const given = context(byReference, { KEY: pem });
  const job = await resolveJob("a", {}, given);
  assert.equal(job.signingKey, pem);
  assert.ok(!JSON.stringify(describeJob(job)).includes("PRIVATE KEY"));
  assert.equal(given.secrets.redact(pem), "***");
  assert.equal((await resolveJob("a", {}, context("{}"))).signingKey, undefined);
});

Deno.test("resolveJob() and checkConfig() say why a signing key cannot be used", async () => {
  const rsa = run("openssl", "genpkey", "-algorithm", "rsa", "-quiet");
  for (const work of [(given: ResolveContext) => resolveJob("a", {}, given), checkConfig]) {
    await assert.rejects(work(context(byReference, { KEY: "hunter2" })), {
      code: "config.invalid",
      message:
        'vaultra.yaml:2:17: signing.key: the signing key cannot be used: there is no "PRIVATE KEY" in PEM in it',
    });
    await assert.rejects(work(context(byReference, { KEY: rsa })), { message: /it holds no Ed25519 key$/ });
    await assert.rejects(work(context(byReference)), { message: /variable "KEY" is not set$/ });
  }
});

Deno.test("checkConfig() warns of a signing key in plain text, or that is not trusted", async () => {
  const { pem, publicKey } = await generateSigningKey();
  const plain = context(JSON.stringify({ key: pem }));
  assert.match((await checkConfig(plain)).join(), /^vaultra.yaml:2:17: signing.key: a secret stands here/);
  assert.equal(plain.secrets.redact(pem), "***");
  const stranger = (await generateSigningKey()).publicKey;
  const trust = (name: string) => context(`{ key: "\${env:KEY}", trusted: ["${name}"] }`, { KEY: pem });
  assert.match(
    (await checkConfig(trust(stranger))).join(),
    /is not one of signing.trusted: .*; add ed25519:/,
  );
  assert.deepEqual(await checkConfig(trust(publicKey)), []);
});

Deno.test("resolveTrusted() gives what is trusted, else the signing key's public half", async () => {
  const { pem, publicKey } = await generateSigningKey();
  const other = (await generateSigningKey()).publicKey;
  assert.deepEqual(await resolveTrusted(context(byReference, { KEY: pem })), [publicKey]);
  assert.deepEqual(
    await resolveTrusted(
      context(`{ key: "\${env:KEY}", trusted: ["${other}", "\${env:MORE}"] }`, { MORE: publicKey }),
    ),
    [other, publicKey],
  );
  assert.equal(await resolveTrusted(context("{}")), undefined);
  assert.equal(await resolveTrusted({ ...context("{}"), file: undefined }), undefined);
});

Deno.test("resolveTrusted() never takes a key that is missing or wrong for no key", async () => {
  await assert.rejects(resolveTrusted(context(byReference)), { code: "config.invalid" });
  await assert.rejects(resolveTrusted(context('{ trusted: ["${env:NONE}"] }')), { code: "config.invalid" });
  await assert.rejects(resolveTrusted(context('{ trusted: ["${env:X}"] }', { X: "ed25519:abc" })), {
    message: /^vaultra.yaml:2:22: signing.trusted\[0\]: expected a public key such as ed25519:…$/,
  });
  assert.throws(() => context('{ trusted: ["ed25519:abc"] }'), {
    message: /signing.trusted\[0\]: must be a public key/,
  });
  assert.throws(() => context("{ trusted: [] }"), {
    message: /signing.trusted: expected at least 1 entries/,
  });
  assert.throws(() => context("{ kee: x }"), {
    message: /signing.kee: there is no such key. Did you mean "key"\?/,
  });
  const shown = "{ key: [hunter2] }";
  assert.throws(() => context(shown), { message: /signing.key: expected text, got a list$/ });
  assert.throws(() => context("{ key: 12345 }"), {
    message: /signing.key: expected text, got a secret that is not shown$/,
  });
});
