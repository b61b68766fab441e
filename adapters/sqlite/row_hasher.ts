import { RowSum, type RowTotal } from "../../core/proof/row_sum.ts";
import { headBytes, RowBlock } from "./row_block.ts";
import type { Row } from "./table_rows.ts";

/** Rows that come one by one are hashed in blocks of this size. */
const BLOCK_BYTES = 1 << 20;

/** Sums the hashes of a table's rows in their canonical form. */
export class RowHasher {
  readonly #sum: RowSum;
  readonly #block = new RowBlock(BLOCK_BYTES);

  /** @param table Its name, for errors. */
  constructor(table: string) {
    this.#sum = new RowSum("sized", { of: `table "${table}"` });
  }

  /** Takes a row as `readRows` gives it. */
  add([classes, ...values]: Row): void {
    if (this.#block.write(values, classes)) return;
    this.#flush();
    if (this.#block.write(values, classes)) return;
    const content = values.map((value) => value instanceof Uint8Array ? value.length : 0);
    const single = new RowBlock(content.reduce((sum, bytes) => sum + bytes, headBytes(1, values.length)));
    single.write(values, classes);
    this.#sum.push(single.bytes);
  }

  /** Takes whole rows. */
  addBlock(block: RowBlock): void {
    this.#sum.push(block.bytes);
  }

  /** The rows that were taken. */
  finish(): RowTotal {
    this.#flush();
    return this.#sum.finish();
  }

  #flush(): void {
    this.#sum.push(this.#block.bytes);
    this.#block.clear();
  }
}
