/** Colours for a terminal; plain text elsewhere. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
}

const codes = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39] } as const;

/** A style that colours (`true`) or leaves text as it is. */
export function createStyle(colour: boolean): Style {
  const paint = ([on, off]: readonly [number, number]) => (text: string) =>
    colour ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    green: paint(codes.green),
    yellow: paint(codes.yellow),
    red: paint(codes.red),
  };
}
