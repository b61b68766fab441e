import assert from "node:assert/strict";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { ageKeygen, type AgePair } from "../../tests/fakes/age_program.ts";
import type { Encryption } from "../config/job.ts";
import { VaultraError } from "../errors.ts";
import { type Keyring, NO_KEYS } from "../operation.ts";
import type { Bytes } from "../streams/bytes.ts";
import { parseAgeHeader } from "./header.ts";
import type { KeyHeader } from "./key_headers.ts";
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
  const ring = { ...NO_KEYS, ...keys };
  try {
    return await openHeader(parseAgeHeader(header), ring, options);
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
    openHeader(parseAgeHeader(header), NO_KEYS, recorded),
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

/** Headers beside an archive, with what is told of those that are passed over. */
async function beside(...sealed: readonly [Encryption, Bytes][]) {
  const passedOver: string[] = [];
  const headers: KeyHeader[] = [];
  for (const [number, [encryption, fileKey]] of sealed.entries()) {
    const { header } = await sealHeader(encryption, { fileKey, workFactor });
    const passOver = (why: string) => void passedOver.push(`${number}: ${why}`);
    headers.push({ ...parseAgeHeader(header), passOver });
  }
  return { headers, passedOver, others: () => Promise.resolve(headers) };
}

Deno.test("openHeader() opens by another header of the same key, and by none of another key", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const toTwo = { recipients: [two.recipient] };
  const identities = [two.identity];
  const good = await beside([toTwo, fileKey]);
  assert.deepEqual(await open(header, { identities }, good), fileKey);
  assert.deepEqual(good.passedOver, []);
  const own = () => Promise.reject(new Error("its own header opens it"));
  assert.deepEqual(await open(header, { identities: [one.identity] }, { others: own }), fileKey);

  const foreign = await beside([toTwo, new Uint8Array(16)]);
  assert.equal(await open(header, { identities }, foreign), "damaged.age-header");
  assert.deepEqual(foreign.passedOver, ["0: it wraps the key of another archive"]);
});

Deno.test("openHeader() passes over other headers that are damaged, foreign or of a passphrase", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const toTwo = { recipients: [two.recipient] };
  const given = await beside([toTwo, new Uint8Array(16)], [{ passphrase: "staple-7" }, fileKey], [
    toTwo,
    fileKey,
  ], [toTwo, fileKey]);
  const { bytes } = given.headers[2]!;
  // A letter of its MAC.
  bytes[bytes.length - 5] = bytes[bytes.length - 5] === 0x41 ? 0x42 : 0x41;
  assert.deepEqual(
    await open(header, { identities: [two.identity], passphrases: ["staple-7"], ask }, given),
    fileKey,
  );
  const why = [
    "0: it wraps the key of another archive",
    "1: a passphrase opens it, which is never so",
    "2: it is damaged",
  ];
  assert.deepEqual(given.passedOver, why);
  given.headers.pop();
  assert.equal(await open(header, { identities: [two.identity] }, given), "damaged.age-header");
  assert.equal(await open(header, { identities: [other.identity] }, given), "key.wrong-identity");
});

Deno.test("openHeader() does no work for a passphrase on other headers, whatever they ask for", async () => {
  const passphrases = ["staple-7"];
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const planted = await beside([{ passphrase: "staple-7" }, fileKey]);
  assert.equal(await open(header, { passphrases, ask }, planted), "key.missing");
  const costly = new TextDecoder().decode(planted.headers[0]!.bytes)
    .replace(/^(-> scrypt \S+ ).*$/m, "$130");
  const { passOver } = planted.headers[0]!;
  const others = () => Promise.resolve([{ ...parseAgeHeader(new TextEncoder().encode(costly)), passOver }]);
  assert.equal(await open(header, { passphrases, ask }, { others }), "key.missing");
  assert.equal(planted.passedOver.length, 2);
});

Deno.test("openHeader() opens an archive of a passphrase that was rotated, by either key", async () => {
  const { header, fileKey } = await sealHeader({ passphrase: "staple-7" }, { workFactor });
  const rotated = await beside([{ recipients: [two.recipient] }, fileKey]);
  assert.deepEqual(await open(header, { identities: [two.identity], ask }, rotated), fileKey);
  assert.deepEqual(await open(header, { passphrases: ["staple-7"], ask }, rotated), fileKey);
  assert.deepEqual(await open(header, { ask: () => Promise.resolve("staple-7") }, rotated), fileKey);
  assert.equal(
    await open(header, { ask: () => Promise.resolve("battery") }, rotated),
    "key.wrong-passphrase",
  );
  assert.equal(await open(header, { identities: [other.identity] }, rotated), "key.wrong-identity");
  assert.equal(await open(header, {}, rotated), "key.missing");
});

Deno.test("openHeader() says that an archive was rotated when no key fits", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const rotated = await beside([{ recipients: [two.recipient] }, fileKey]);
  for (const identities of [[other.identity], []]) {
    const opening = openHeader(parseAgeHeader(header), { identities, passphrases: [] }, {
      ...recorded,
      others: rotated.others,
    });
    await assert.rejects(opening, {
      hint: /It is encrypted to \S+, \S+\. It was rotated since: the identities/,
    });
  }
});

Deno.test("openHeader() takes an unproven key only where it is told to, and a proven one before it", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [one.recipient] });
  const toTwo = { recipients: [two.recipient] };
  const foreign = new Uint8Array(16);
  const given = await beside([toTwo, foreign], [toTwo, fileKey]);
  const identities = [two.identity];
  assert.deepEqual(await open(header, { identities }, { ...given, unproven: true }), fileKey);
  const damaged = header.slice();
  // A letter of the wrapped key: the header's form stays.
  const at = header.indexOf(0x0a, 30) + 5;
  damaged[at] = damaged[at] === 0x41 ? 0x42 : 0x41;
  assert.equal(await open(damaged, { identities }, given), "damaged.age-header");
  assert.deepEqual(await open(damaged, { identities }, { ...given, unproven: true }), foreign);
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
