import type { Comparison, KindComparison } from "../../core/compare.ts";
import { kindText } from "./kinds.ts";
import { countText } from "./units.ts";

/** `12 of 12 tables identical to what was backed up`: differences have ended the restore before. */
export function comparisonText({ kinds }: Pick<Comparison, "kinds">): string {
  const part = (words: string, count: (of: KindComparison) => number): string[] => {
    const found = kinds.filter((of) => count(of) > 0);
    const texts = found.map((of) => `${countText(count(of))} of ${kindText(of.kind, of.compared)}`);
    return texts.length === 0 ? [] : [`${texts.join(", ")} ${words}`];
  };
  return [
    ...part("identical to what was backed up", ({ identical }) => identical),
    ...part("with as many rows as were backed up", ({ compared, identical }) => compared - identical),
  ].join("; ");
}
