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
  // The kind "statfs" tells how much space is free.
  permissions: ({ folder }) => ({ read: [folder], write: [folder], sys: ["statfs"] }),
  redact: ({ folder }) => ({ url: `file:${folder}` }),
  title: ({ folder }) => basename(folder),
  async open({ folder }, context) {
    const { FileStore } = await import("./store.ts");
    return new FileStore(folder, context);
  },
});
