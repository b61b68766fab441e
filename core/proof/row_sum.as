/**
 * AssemblyScript (https://www.assemblyscript.org), which looks like TypeScript and becomes WebAssembly: finds the
 * rows in a stream of bytes and sums their hashes, in one pass. `deno run -A tools/wasm.ts` compiles it into
 * row_sum_wasm.ts; row_sum.ts is its only caller.
 *
 * The hash is MurmurHash3 x64 128 with seed 0 (Austin Appleby, public domain:
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp). It takes 16 bytes at a time: whole blocks of
 * a row are hashed where they lie, and a row that is cut leaves less than one block behind, which is kept in front of
 * the next piece. So it does not matter where a row is cut, nor how long it is.
 *
 * Memory: the state, which the caller may keep and bring back, so that one instance serves many sums; then the
 * kept bytes; then the piece that is hashed; then at least 15 bytes that are read and ignored.
 */

/** The sum modulo 2^128, its lower half first; each hash counts as h1 + 2^64 · h2. */
const SUM_LOW: usize = 0;
const SUM_HIGH: usize = 8;
/** Whole rows. */
const ROWS: usize = 16;
/** Of the row that goes on: its hash so far. */
const H1: usize = 24;
const H2: usize = 32;
/** Of the row that goes on: how many of its bytes were hashed, and (`sized`) how many were not yet. */
const HASHED: usize = 40;
const REMAINING: usize = 48;
/** How many bytes are kept. */
const KEPT: usize = 56;
/** The bytes of the piece. The kept ones stand right before them, in the last 16 bytes of the state. */
const PIECE: usize = 80;

/** What a push may end with. */
const DONE: i32 = 0;
const TOO_SHORT: i32 = 1;
const TOO_LONG: i32 = 2;

const C1: u64 = 0x87c37b91114253d5;
const C2: u64 = 0x4cf5ad432745937f;

/** Hashes the next `length` bytes: every row ends with a line feed, which is its last byte. */
export function pushLines(length: i32, longest: u32): i32 {
  let h1 = load<u64>(H1);
  let h2 = load<u64>(H2);
  let hashed = load<u64>(HASHED);
  let at = PIECE - load<u32>(KEPT);
  const end = PIECE + length;
  while (at < end) {
    // The last look may reach behind the piece: what it finds there is farther than what is available.
    const feeds = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0x0a)));
    const available = end - at;
    if (feeds == 0 && available >= 16) {
      h1 = mixLow(h1, h2, load<u64>(at));
      h2 = mixHigh(h2, h1, load<u64>(at + 8));
      at += 16;
      hashed += 16;
      if (hashed > longest) return TOO_LONG;
      continue;
    }
    // Without any line feed the count of trailing zeros is 32.
    const rest = <usize>ctz<i32>(feeds) + 1;
    if (rest > available) break;
    if (hashed + rest > longest) return TOO_LONG;
    endRow(h1, h2, hashed, at, rest);
    at += rest;
    h1 = h2 = hashed = 0;
  }
  return keep(h1, h2, hashed, 0, at, end);
}

/** Hashes the next `length` bytes: every row begins with its own length, four bytes, little-endian, counted in it. */
export function pushSized(length: i32, longest: u32): i32 {
  let h1 = load<u64>(H1);
  let h2 = load<u64>(H2);
  let hashed = load<u64>(HASHED);
  let remaining = <usize>load<u64>(REMAINING);
  let at = PIECE - load<u32>(KEPT);
  const end = PIECE + length;
  while (at < end) {
    if (remaining == 0) {
      if (end - at < 4) break;
      remaining = load<u32>(at);
      if (remaining < 4) return TOO_SHORT;
      if (remaining > longest) return TOO_LONG;
    }
    while (remaining >= 16 && end - at >= 16) {
      h1 = mixLow(h1, h2, load<u64>(at));
      h2 = mixHigh(h2, h1, load<u64>(at + 8));
      at += 16;
      hashed += 16;
      remaining -= 16;
    }
    if (remaining >= 16 || end - at < remaining) break;
    endRow(h1, h2, hashed, at, remaining);
    at += remaining;
    h1 = h2 = hashed = remaining = 0;
  }
  return keep(h1, h2, hashed, remaining, at, end);
}

/** Keeps the state of the row that goes on, and its bytes that make no block yet: at most 15. */
@inline
function keep(h1: u64, h2: u64, hashed: u64, remaining: u64, at: usize, end: usize): i32 {
  store<u64>(H1, h1);
  store<u64>(H2, h2);
  store<u64>(HASHED, hashed);
  store<u64>(REMAINING, remaining);
  store<u32>(KEPT, end - at);
  memory.copy(PIECE - (end - at), at, end - at);
  return DONE;
}

/** The lower half of the hash after one more block. */
@inline
function mixLow(h1: u64, h2: u64, k1: u64): u64 {
  return (rotl<u64>(h1 ^ (rotl<u64>(k1 * C1, 31) * C2), 27) + h2) * 5 + 0x52dce729;
}

/** The upper half of the hash after one more block; `h1` is the lower half after it. */
@inline
function mixHigh(h2: u64, h1: u64, k2: u64): u64 {
  return (rotl<u64>(h2 ^ (rotl<u64>(k2 * C2, 33) * C1), 31) + h1) * 5 + 0x38495ab5;
}

/** Ends a row with its last `rest` bytes, 0 to 16, and adds its hash to the sum. */
@inline
function endRow(h1: u64, h2: u64, hashed: u64, at: usize, rest: usize): void {
  const length = hashed + rest;
  if (rest == 16) {
    h1 = mixLow(h1, h2, load<u64>(at));
    h2 = mixHigh(h2, h1, load<u64>(at + 8));
    rest = 0;
  }
  // What the published code picks byte by byte: the bytes behind the row become zeros, and zeros change nothing.
  const k1 = first(load<u64>(at), rest);
  const k2 = rest > 8 ? first(load<u64>(at + 8), rest - 8) : 0;
  h2 ^= rotl<u64>(k2 * C2, 33) * C1;
  h1 ^= rotl<u64>(k1 * C1, 31) * C2;
  h1 ^= length;
  h2 ^= length;
  h1 += h2;
  h2 += h1;
  h1 = scatter(h1);
  h2 = scatter(h2);
  h1 += h2;
  h2 += h1;

  const low = load<u64>(SUM_LOW) + h1;
  store<u64>(SUM_LOW, low);
  store<u64>(SUM_HIGH, load<u64>(SUM_HIGH) + h2 + u64(low < h1));
  store<u64>(ROWS, load<u64>(ROWS) + 1);
}

/** The first `count` of eight bytes. */
@inline
function first(bytes: u64, count: usize): u64 {
  return count >= 8 ? bytes : bytes & ((1 << (<u64>count * 8)) - 1);
}

/** The last step of the hash. */
@inline
function scatter(k: u64): u64 {
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccd;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}
