import assert from "node:assert/strict";
import { joinedCode } from "./exit_code.ts";

Deno.test("joinedCode() gives the first failure, and a warning only when nothing failed", () => {
  const joined = (...codes: number[]) => codes.reduce(joinedCode, 0);
  assert.equal(joined(), 0);
  assert.equal(joined(0, 0), 0);
  assert.equal(joined(0, 3, 0), 3);
  assert.equal(joined(3, 10, 0), 10);
  assert.equal(joined(10, 3, 11), 10);
  assert.equal(joined(3, 3), 3);
});
