import { basename } from "node:path";
import { definePlugin } from "../../core/plugin.ts";
import { fileStoreConfig } from "./config.ts";

/** A folder as a store. */
export default definePlugin({
  kind: "store",
  name: "file",
  apiVersion: 1,
  summary: "A folder on this machine or on a mounted disk",
  schemes: ["file"],
  config: fileStoreConfig,
  // The kind "statfs" tells doctor how much space is free.
  permissions: ({ folder }, purpose) => ({
    read: [folder],
    write: [folder],
    ...(purpose === "inspect" ? { sys: ["statfs"] as const } : {}),
  }),
  redact: ({ folder }) => ({ url: `file:${folder}` }),
  title: ({ folder }) => basename(folder),
  async open({ folder }, context) {
    const { FileStore } = await import("./store.ts");
    return new FileStore(folder, context);
  },
});
