/** The shortest decimal that reads back as the same real, with a point or an exponent that tells it from an integer. */
export function realText(value: number): string {
  const digits = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}
