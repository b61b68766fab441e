/**
 * Numbers from 0 up to 1 that look random and are the same for the same seed (mulberry32, by Tommy Ettinger, public domain).
 * Nothing that must not be guessed may come from here.
 * @param seed 32 bits.
 */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
