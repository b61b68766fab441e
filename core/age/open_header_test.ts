import assert from "node:assert/strict";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { ageKeygen, type AgePair } from "../../tests/fakes/age_program.ts";
import { VaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import type { Bytes } from "../streams/bytes.ts";
import { parseHeader } from "./header.ts";
import { openHeader, type OpenHeaderOptions } from "./open_header.ts";
import { recipientFingerprint } from "./recipients.ts";
import { sealHeader } from "./seal_header.ts";

const workFactor = 8;

/** The file key, or the code of the error. */
async function open(
  header: Bytes,
  keys: Partial<Keyring>,
  options?: OpenHeaderOptions,
): Promise<Bytes | string> {
  const ring = { identities: [], passphrases: [], ...keys };
  try {
    return await openHeader(parseHeader(header), ring, options);
  } catch (error) {
    assert.ok(error instanceof VaultraError, String(error));
    assert.ok(error.hint !== undefined && error.hint.endsWith("."), error.message);
    const told = JSON.stringify(error.toData()) + error.stack + String(error.cause);
    for (const secret of [...ring.identities, ...ring.passphrases]) {
      assert.ok(!told.toUpperCase().includes(secret.toUpperCase()), "the error tells a secret");
    }
    return error.code;
  }
}

const ask = () => Promise.reject(new Error("nobody is to be asked"));
const one = await ageKeygen();
const two = await ageKeygen();
const other = await ageKeygen();
const recorded = { recipients: [one, two].map(({ recipient }) => recipientFingerprint(recipient)) };

Deno.test("openHeader() opens with the identity of each recipient, and asks nobody", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient, two.recipient] });
  for (const { identity } of [one, two]) {
    assert.deepEqual(
      await open(header, { identities: [other.identity, identity], passphrases: ["staple-7"], ask }),
      fileKey,
    );
  }
  const hybrid = await generateHybridIdentity();
  const quantum = await sealHeader({ recipients: [await identityToRecipient(hybrid)] });
  assert.deepEqual(await open(quantum.header, { identities: [hybrid] }), quantum.fileKey);
});

Deno.test("openHeader() tells a missing key from a wrong one", async () => {
  const { header } = await sealHeader({ recipients: [one.recipient, two.recipient] });
  assert.equal(await open(header, {}, recorded), "key.missing");
  assert.equal(await open(header, { passphrases: ["staple-7"], ask }, recorded), "key.missing");
  assert.equal(await open(header, { identities: [other.identity] }, recorded), "key.wrong-identity");
  assert.equal(await open(header, { identities: [other.identity] }), "key.wrong-identity");
  assert.equal(await open(header, { identities: [one.identity.slice(0, -1)] }), "key.bad-identity");
  await assert.rejects(
    openHeader(parseHeader(header), { identities: [], passphrases: [] }, recorded),
    (error) => {
      assert.ok(error instanceof VaultraError);
      assert.match(error.hint!, /--identity-file/);
      for (const fingerprint of recorded.recipients) assert.ok(error.hint!.includes(fingerprint));
      return true;
    },
  );
});

Deno.test("openHeader() opens with a passphrase that is given, else with one that is asked for", async () => {
  const { header, fileKey } = await sealHeader({ passphrase: "correct horse" }, { workFactor });
  assert.deepEqual(await open(header, { passphrases: ["battery", "correct horse"], ask }), fileKey);
  assert.deepEqual(
    await open(header, { passphrases: ["battery"], ask: () => Promise.resolve("correct horse") }),
    fileKey,
  );
  assert.equal(await open(header, { ask: () => Promise.resolve("battery") }), "key.wrong-passphrase");
  assert.equal(await open(header, { passphrases: ["battery"] }), "key.wrong-passphrase");
  assert.equal(await open(header, {}), "key.missing");
  assert.equal(await open(header, { identities: [one.identity] }), "key.missing");
});

Deno.test("openHeader() never works longer for a passphrase than it should", async () => {
  const { header } = await sealHeader({ passphrase: "staple-7" }, { workFactor });
  const withFactor = (factor: string) =>
    new TextEncoder().encode(
      new TextDecoder().decode(header).replace(/^(-> scrypt \S+ ).*$/m, `$1${factor}`),
    );
  for (const factor of ["21", "30", "64", "999999999"]) {
    assert.equal(await open(withFactor(factor), { passphrases: ["staple-7"] }), "key.work-factor");
  }
  for (const factor of ["0", "-1", "08", "1e3", "0x8", "8 8", "9999999999999"]) {
    assert.equal(await open(withFactor(factor), { passphrases: ["staple-7"] }), "damaged.age-header", factor);
  }
  assert.equal(await open(withFactor("9"), { passphrases: ["staple-7"] }), "key.wrong-passphrase");
});

Deno.test("openHeader() calls a header damaged that the identity which its record names does not open", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const recipients = { recipients: [recipientFingerprint(one.recipient)] };
  for (let at = 0; at < header.length; at++) {
    for (const bit of [1, 0x20]) {
      const changed = header.slice();
      changed[at]! ^= bit;
      let opened: Bytes | string;
      try {
        opened = await open(changed, { identities: [one.identity] }, recipients);
      } catch (error) {
        assert.fail(`byte ${at}: ${error}`);
      }
      assert.notDeepEqual(opened, fileKey);
      assert.ok(opened === "damaged.age-header" || opened === "damaged.truncated", `byte ${at}: ${opened}`);
    }
  }
});

Deno.test("openHeader() finds every change of a passphrase's header", async () => {
  const { header } = await sealHeader({ passphrase: "staple-7" }, { workFactor: 4 });
  for (let at = 0; at < header.length; at++) {
    const changed = header.slice();
    changed[at]! ^= 1;
    const code = String(await open(changed, { passphrases: ["staple-7"] }));
    // The salt and the wrapped key show no more than that the passphrase does not fit; so does the kind.
    assert.match(code, /^(damaged\.(age-header|truncated)|key\.(wrong-passphrase|missing))$/, `byte ${at}`);
  }
});

Deno.test("openHeader() opens by another header of the same key, and by none of another key", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const headers = async (encryption: { recipients: string[] } | { passphrase: string }, key: Bytes) => [
    parseHeader((await sealHeader(encryption, { fileKey: key, workFactor })).header),
  ];
  const identities = [two.identity];
  const toTwo = await headers({ recipients: [two.recipient] }, fileKey);
  assert.deepEqual(await open(header, { identities }, { others: () => Promise.resolve(toTwo) }), fileKey);
  const own = () => Promise.reject(new Error("its own header opens it"));
  assert.deepEqual(await open(header, { identities: [one.identity] }, { others: own }), fileKey);

  const byPassphrase = await headers({ passphrase: "staple-7" }, fileKey);
  const others = () => Promise.resolve([...toTwo, ...byPassphrase]);
  assert.deepEqual(await open(header, { passphrases: ["staple-7"], ask }, { others }), fileKey);
  assert.deepEqual(await open(header, { ask: () => Promise.resolve("staple-7") }, { others }), fileKey);

  const foreign = await headers({ recipients: [two.recipient] }, new Uint8Array(16));
  assert.equal(
    await open(header, { identities }, { others: () => Promise.resolve(foreign) }),
    "damaged.age-header",
  );
});

Deno.test("openHeader() refuses a passphrase beside other stanzas", async () => {
  const [byKey, byPassphrase] = await Promise.all([
    sealHeader({ recipients: [one.recipient] }),
    sealHeader({ passphrase: "staple-7" }, { workFactor }),
  ]);
  const [first, second] = [byKey, byPassphrase].map(({ header }) => new TextDecoder().decode(header));
  const stanza = /-> scrypt[^]*(?=---)/.exec(second!)![0];
  const mixed = new TextEncoder().encode(first!.replace("---", `${stanza}---`));
  assert.equal(await open(mixed, pairKeys(one)), "damaged.age-header");
});

function pairKeys({ identity }: AgePair): Partial<Keyring> {
  return { identities: [identity], passphrases: ["staple-7"] };
}
