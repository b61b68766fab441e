import { exitCodes } from "../core/errors.ts";

/**
 * The exit code of several pieces of work, one after the other: the first failure's. That something was done with a
 * warning (3) is told only when nothing failed.
 */
export function joinedCode(before: number, own: number): number {
  return before === 0 || (before === exitCodes.warning && own !== 0) ? own : before;
}
