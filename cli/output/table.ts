import Table from "cli-table3";

/** A column: its title and side. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** A plain table without lines, as `ls -l` looks: easy to read, to cut and to grep. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const none = { top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "" };
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: {
      ...none,
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "  ",
    },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  for (const row of rows) table.push(row.map(printable));
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** Text that can't move a terminal's cursor or change its colours: control characters become `\xNN`. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\x${character.codePointAt(0)!.toString(16).padStart(2, "0")}`,
  );
}
