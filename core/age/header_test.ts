import assert from "node:assert/strict";
import { ageEncrypt, ageKeygen } from "../../tests/fakes/age_program.ts";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { isHeaderOf, MAX_HEADER_BYTES, parseAgeHeader } from "./header.ts";
import { sealHeader } from "./seal_header.ts";

const text = (content: string): Bytes => new TextEncoder().encode(content);
const hasCode = (code: string) => (error: unknown) => error instanceof VaultraError && error.code === code;

Deno.test("parseAgeHeader() finds the end of headers that age wrote", async () => {
  const { recipient } = await ageKeygen();
  const bytes = await ageEncrypt(text("plain"), [recipient, recipient, recipient]);
  const header = parseAgeHeader(bytes);
  assert.equal(bytes.length - header.bytes.length, 16 + 5 + 16);
  assert.deepEqual(header.stanzas.map(([kind]) => kind), ["X25519", "X25519", "X25519"]);
});

Deno.test("parseAgeHeader() tells a cut header from a malformed one", async () => {
  const { header } = await sealHeader({ recipients: [(await ageKeygen()).recipient] });
  for (let length = 0; length < header.length; length++) {
    assert.throws(
      () => parseAgeHeader(header.slice(0, length)),
      hasCode("damaged.truncated"),
      `${length} bytes`,
    );
  }
  const mac = "A".repeat(43);
  const malformed = {
    "another version": `age-encryption.org/v2\n-> a\n\n--- ${mac}\n`,
    "no stanza": `age-encryption.org/v1\n--- ${mac}\n`,
    "an empty argument": `age-encryption.org/v1\n-> a  b\n\n--- ${mac}\n`,
    "many arguments": `age-encryption.org/v1\n-> ${"a ".repeat(16)}a\n\n--- ${mac}\n`,
    "many stanzas": `age-encryption.org/v1\n${"-> a\n\n".repeat(1001)}--- ${mac}\n`,
    "no body": `age-encryption.org/v1\n-> a\n--- ${mac}\n`,
    "a long line": `age-encryption.org/v1\n-> a\n${"A".repeat(65)}\n--- ${mac}\n`,
    "no base64": `age-encryption.org/v1\n-> a\nA=\n--- ${mac}\n`,
    "control characters": `age-encryption.org/v1\n-> a\r\n\n--- ${mac}\n`,
    "a short MAC": "age-encryption.org/v1\n-> a\n\n--- AAAA\n",
    "no end": `age-encryption.org/v1\n-> a\n${`${"A".repeat(64)}\n`.repeat(2000)}`,
    "one endless line": "age-encryption.org/v1\n".padEnd(MAX_HEADER_BYTES + 1, "-> a"),
  };
  for (const [name, header] of Object.entries(malformed)) {
    assert.throws(() => parseAgeHeader(text(header)), hasCode("damaged.age-header"), name);
  }
});

Deno.test("isHeaderOf() sees every change of a header and of its key", async () => {
  const { header, fileKey } = await sealHeader({ recipients: [(await ageKeygen()).recipient] });
  assert.ok(isHeaderOf(parseAgeHeader(header), fileKey));
  assert.ok(!isHeaderOf(parseAgeHeader(header), fileKey.map((byte) => byte ^ 1)));
  for (let at = 0; at < header.length; at++) {
    const changed = header.slice();
    changed[at]! ^= 1;
    try {
      assert.ok(!isHeaderOf(parseAgeHeader(changed), fileKey), `byte ${at}`);
    } catch (error) {
      assert.ok(error instanceof VaultraError && error.family === "damaged", `byte ${at}: ${error}`);
    }
  }
});

Deno.test("sealHeader() wraps a file key that it is given, and refuses more recipients than a header holds", async () => {
  const fileKey = crypto.getRandomValues(new Uint8Array(16));
  const { recipient } = await ageKeygen();
  const again = await sealHeader({ recipients: [recipient] }, { fileKey });
  assert.ok(isHeaderOf(parseAgeHeader(again.header), fileKey));
  await assert.rejects(
    sealHeader({ recipients: Array(700).fill(recipient) }),
    hasCode("config.recipients"),
  );
  await assert.rejects(sealHeader({ recipients: ["age1abc"] }), hasCode("config.recipient"));
});
