/**
 * Strict YAML: the 1.2 core schema, no other tags, no key twice, bounded depth and aliases; every value knows its
 * line and column.
 *
 * @module
 */
import {
  Composer,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
} from "yaml";
import type { CST, Node } from "yaml";
import { Problems } from "./problems.ts";

/** The deepest nesting that is composed; without a bound, brackets enough overflow the stack. */
const MAX_DEPTH = 64;

/**
 * The most aliases in a text, and how often aliases of aliases may repeat a value: each is looked for in the whole
 * document, and ten lines without a bound make gigabytes ("billion laughs").
 */
const MAX_ALIASES = 250;

/** Tags that name what the core schema has anyway. */
const coreTags = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

/** A place in a text, counted from 1. */
export interface LineAndColumn {
  readonly line: number;
  readonly column: number;
}

/** A parsed document. */
export interface YamlDocument {
  /** The content as plain data; no mapping has a key `__proto__`. `null` when the text holds none. */
  readonly value: unknown;
  /** Where the value at a path stands, or its key; for a path that leads nowhere, the last key on the way. */
  locate(path: readonly PropertyKey[], what: "key" | "value"): LineAndColumn;
}

/** Takes a problem at an offset of the text. */
type Report = (offset: number, message: string) => void;

/**
 * Parses YAML that a person wrote.
 *
 * @param name How problems name the text.
 * @throws {VaultraError} `config.invalid` with the line and column of every problem.
 */
export function parseYaml(text: string, name: string): YamlDocument {
  const problems = new Problems();
  const lines = new LineCounter();
  const position = (offset: number): LineAndColumn => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report: Report = (offset, message) => {
    const at = position(offset);
    problems.add({ place: `${name}:${at.line}:${at.column}`, ...at, path: "", message });
  };

  const document = compose(text, lines, report);
  problems.throwIfAny();
  if (!document?.contents) return { value: null, locate: () => ({ line: 1, column: 1 }) };
  checkNode(document.contents, document, [], report);
  problems.throwIfAny();
  const value = plain(document, report);
  problems.throwIfAny();
  return { value, locate: (path, what) => position(offsetOf(document, path, what)) };
}

/** Reads the one document of a text. Keys twice are left to {@linkcode checkNode}: the library's check is quadratic. */
function compose(text: string, lines: LineCounter, report: Report): Document.Parsed | undefined {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let aliases = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (lexeme.startsWith("*")) aliases++;
    if (parser.stack.length > MAX_DEPTH) {
      report(parser.offset, "is nested too deeply");
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  if (aliases > MAX_ALIASES) {
    report(0, `holds more than ${MAX_ALIASES} aliases`);
    return undefined;
  }

  const composer = new Composer({ version: "1.2", schema: "core", strict: true, uniqueKeys: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second) report(second.range[0], "a second document begins here, but the file holds only one");
  for (const { pos, message } of [...document?.errors ?? [], ...document?.warnings ?? []]) {
    report(pos[0], `is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
  return document;
}

/** Refuses what plain data cannot tell: keys twice, keys that are no text, foreign tags, values that hold themselves. */
function checkNode(node: Node, document: Document, above: readonly Node[], report: Report): void {
  const offset = node.range?.[0] ?? 0;
  if (isAlias(node)) {
    const target = node.resolve(document);
    if (!target) report(offset, `nothing before this is called "&${node.source}"`);
    else if (above.includes(target)) {
      report(offset, `"*${node.source}" stands inside the value that it repeats`);
    }
    return;
  }
  if (node.tag !== undefined && !coreTags.test(node.tag)) {
    report(offset, `the tag "${node.tag}" is not known`);
  }
  if (!isCollection(node)) return;
  const inside = [...above, node];
  const seen = new Set<string>();
  for (const item of node.items) {
    if (isPair(item)) {
      checkKey(item.key as Node, seen, report);
      if (item.value) checkNode(item.value as Node, document, inside, report);
    } else checkNode(item as Node, document, inside, report);
  }
}

function checkKey(key: Node | null, seen: Set<string>, report: Report): void {
  const offset = key?.range?.[0] ?? 0;
  if (!isScalar(key) || key.value === null) return report(offset, "a key must be one word of text");
  const name = String(key.value);
  if (name === "__proto__") return report(offset, 'a key cannot be called "__proto__"');
  if (seen.has(name)) return report(offset, `the key ${JSON.stringify(name)} stands here a second time`);
  seen.add(name);
}

function plain(document: Document, report: Report): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    report(0, `aliases repeat its values more than ${MAX_ALIASES} times`);
    return null;
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[], what: "key" | "value"): number {
  let node = document.contents as Node | null;
  let key = node;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) return start(key);
      key = pair.key as Node;
      node = pair.value as Node | null;
    } else if (isSeq(node) && typeof part === "number" && node.items[part]) {
      node = key = node.items[part] as Node;
    } else return start(key);
  }
  return start(what === "value" ? node ?? key : key);
}

function start(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
