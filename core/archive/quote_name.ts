/** A name or other text from outside as it may stand in a sentence: quoted, invisible characters escaped, cut short. */
export function quoteName(text: string): string {
  const cut = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  const shown = cut.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return `"${shown}"`;
}
