/** Flushes a folder's entries to the disk: what the host does for a plugin. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
