import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import {
  encodeEntryHeader,
  headerRoom,
  isObjectName,
  paddingOf,
  parsePax,
  parseTarHeader,
  type Pax,
} from "./tar.ts";
import { TarParser } from "./tar_parser.ts";

const sha256 = "ab".repeat(32);
const damaged = (error: unknown) => error instanceof VaultraError && error.code === "damaged.tar";
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The header of an entry. */
function header(path: string, size: number, pax?: Pax): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(headerRoom(pax?.object)).fill(0xff);
  const length = encodeEntryHeader(buffer, {
    path,
    size,
    modified: 1,
    ...(pax === undefined ? {} : { pax }),
  });
  return buffer.slice(0, length);
}

/** A pax header with any body before an empty file. */
function withPax(body: string): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(body);
  const first = header("schema/a", bytes.length);
  first[156] = "x".charCodeAt(0);
  return concat([sealed(first), bytes, new Uint8Array(paddingOf(bytes.length)), header("schema/a", 0)]);
}

/** The block with a checksum that is right again. */
function sealed(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  block.fill(0x20, 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.set(bytesOf(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

function concat(blocks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(blocks.flatMap((block) => [...block]));
}

Deno.test("encodeEntryHeader() writes what TarParser and parsePax() read back", () => {
  const names = [
    "a",
    "x".repeat(97),
    "\n=é\u{1F600}",
    "ü".repeat(65_536),
    ...Array.from({ length: 120 }, (_, i) => "n".repeat(i + 1)),
  ];
  for (const object of names) {
    for (const continues of [{}, { continues: true as const }]) {
      const pax = { object, part: 99_999_999, rows: Number.MAX_SAFE_INTEGER, sha256, ...continues };
      const bytes = header("data/000001.a/99999999", 0, pax);
      assert.ok(bytes.length <= headerRoom(object));
      const [entry] = new TarParser().push(bytes);
      assert.deepEqual(entry?.pax, pax);
    }
  }
});

Deno.test("parseTarHeader() refuses every changed byte that matters", () => {
  const sound = header("manifest.json", 0o1234567);
  assert.deepEqual(parseTarHeader(sound), {
    path: "manifest.json",
    size: 0o1234567,
    type: "file",
    modified: 1,
  });
  for (let at = 0; at < 512; at++) {
    const changed = sound.slice();
    changed[at]! ^= 0x40;
    assert.throws(() => parseTarHeader(changed), damaged, `byte ${at}`);
  }
});

const hostileHeaders: readonly [title: string, change: (block: Uint8Array) => void][] = [
  ["a hard link", (block) => block[156] = "1".charCodeAt(0)],
  ["a symbolic link", (block) => block[156] = "2".charCodeAt(0)],
  ["a device", (block) => block[156] = "3".charCodeAt(0)],
  ["a folder", (block) => block[156] = "5".charCodeAt(0)],
  ["a global pax header", (block) => block[156] = "g".charCodeAt(0)],
  ["a long name of GNU tar", (block) => block[156] = "L".charCodeAt(0)],
  ["a sparse file of GNU tar", (block) => block[156] = "S".charCodeAt(0)],
  ["a link's target", (block) => block[157] = "a".charCodeAt(0)],
  ["a prefix of the path", (block) => block[345] = "a".charCodeAt(0)],
  ["GNU tar's magic", (block) => block.set(bytesOf("ustar  \0"), 257)],
  ["a size in base 256", (block) => block.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 124)],
  ["a negative size", (block) => block.set(bytesOf("-0000000001\0"), 124)],
  ["an absolute path", (block) => block.set(bytesOf("/etc/passwd\0\0"), 0)],
  ["a path with ..", (block) => block.set(bytesOf("data/../../x\0"), 0)],
  ["a path with a control character", (block) => block.set(bytesOf("schema/a\nb\0\0\0"), 0)],
  ["a path with a backslash", (block) => block.set(bytesOf("schema\\a\0\0\0\0\0"), 0)],
  ["bytes behind the path's end", (block) => block[60] = 1],
  ["a path that no archive has", (block) => block.set(bytesOf("other.json\0\0\0"), 0)],
  ["a size past all bounds", (block) => block.set(bytesOf("77777777777\0"), 124)],
];

for (const [title, change] of hostileHeaders) {
  Deno.test(`TarParser refuses ${title}`, () => {
    const block = header("manifest.json", 1);
    change(block);
    assert.throws(() => new TarParser().push(sealed(block)), damaged);
  });
}

const hash = `83 VAULTRA.sha256=${sha256}\n`;
const hostilePax: readonly [title: string, body: string, why: RegExp][] = [
  ["without a hash", "20 VAULTRA.rows=123\n", /no SHA-256/],
  ["with a key twice", hash + hash, /twice/],
  ["with a foreign key", `${hash}12 path=a/b\n`, /foreign key .path./],
  ["with a size of its own", `${hash}11 size=99\n`, /foreign key .size./],
  ["with a length that is too long", hash.replace("83", "99"), /malformed/],
  ["with a length that is too short", hash.replace("83", "70"), /malformed/],
  ["with a length of zero", `0 ${hash}`, /malformed/],
  ["with a length that is no number", hash.replace("83", "8x"), /malformed/],
  ["with a record without =", hash.replace("=", " "), /malformed/],
  ["with a record without an end", hash.replace("\n", " "), /malformed/],
  ["with a number that is none", `${hash}19 VAULTRA.rows=-1\n`, /number that is none/],
  ["with an object for a file", `${hash}20 VAULTRA.object=a\n`, /does not fit its path/],
  ["that is longer than 256 KiB", "x".repeat((256 << 10) + 1), /262145 bytes is refused/],
];

Deno.test("TarParser takes the pax header that the hostile ones are made from", () => {
  assert.equal(new TarParser().push(withPax(hash))[0]?.pax?.sha256, sha256);
});

for (const [title, body, why] of hostilePax) {
  Deno.test(`TarParser refuses a pax header ${title}`, () => {
    assert.throws(
      () => new TarParser().push(withPax(body)),
      (error) => damaged(error) && why.test(String(error)),
    );
  });
}

Deno.test("TarParser reads a tar in blocks of any size", () => {
  const pax = { object: "name", part: 0, rows: 1, sha256 };
  const content = bytesOf("content ".repeat(200));
  const tar = concat([
    header("data/000001.name/00000000", content.length, pax),
    content,
    new Uint8Array(paddingOf(content.length)),
    header("schema/empty", 0, { sha256 }),
    new Uint8Array(1024),
  ]);
  for (const size of [1, 7, 511, 512, 513, tar.length]) {
    const parser = new TarParser();
    const entries = [];
    for (let at = 0; at < tar.length; at += size) entries.push(...parser.push(tar.subarray(at, at + size)));
    assert.ok(parser.ended);
    assert.deepEqual(entries.map(({ path, start, end }) => [path, start, end]), [
      ["data/000001.name/00000000", 0, 1536 + 2048],
      ["schema/empty", 3584, 3584 + 1536],
    ]);
    assert.deepEqual(concat(entries[0]!.content), content);
  }
});

Deno.test("TarParser.push() stops at the tar's end and at its limit", () => {
  const one = header("schema/a", 0, { sha256 });
  const parser = new TarParser();
  assert.equal(parser.push(concat([one, one]), 1).length, 1);
  assert.equal(parser.taken, one.length);
  assert.equal(parser.push(concat([new Uint8Array(1024), one])).length, 0);
  assert.equal(parser.taken, 1024);
  assert.ok(parser.ended);
});

Deno.test("TarParser refuses padding, single zero blocks and pax headers that belong nowhere", () => {
  const file = header("schema/a", 1, { sha256 });
  const paxOnly = file.subarray(0, file.length - 512);
  const broken = [
    concat([file, bytesOf("a"), new Uint8Array(510), bytesOf("b")]),
    concat([new Uint8Array(512), file]),
    concat([paxOnly, new Uint8Array(1024)]),
    concat([paxOnly, file]),
    concat([paxOnly, header("manifest.json", 0)]),
    header("schema/a", 0),
    header("data/000001.a/00000000", 0, { sha256 }),
    header("data/000001.a/00000000", 0, { object: "a", part: 1, rows: 0, sha256 }),
  ];
  for (const tar of broken) assert.throws(() => new TarParser().push(tar), damaged);
});

Deno.test("parsePax() refuses bytes that are not UTF-8 and names that no object has", () => {
  const invalid = concat([bytesOf("20 VAULTRA.object="), new Uint8Array([0xff]), bytesOf(`\n${hash}`)]);
  assert.throws(() => parsePax(invalid), damaged);
  assert.throws(() => parsePax(bytesOf(`20 VAULTRA.object=\0\n${hash}`)), damaged);
  assert.equal(isObjectName("\ud800"), false);
  assert.equal(isObjectName(""), false);
  assert.equal(isObjectName("x".repeat(65_537)), false);
  assert.equal(isObjectName("\n"), true);
});
