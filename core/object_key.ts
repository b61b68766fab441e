/** What tells an object of a database from all others: a table may be called as the file that holds it. */
export function objectKey({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}\0${name}`;
}
