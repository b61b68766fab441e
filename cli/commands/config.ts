import { Argument } from "@commander-js/extra-typings";
import type { Program } from "../program.ts";

/** `vaultra config check|schema|show`. */
export function addConfig(program: Program): void {
  program.command("config", "check or show the configuration, or print its JSON Schema")
    .addArgument(new Argument("<what>", "what to do").choices(["check", "schema", "show"]))
    .action(async (what) => {
      await program.run(async (session) => (await import("../actions/config.ts")).config(session, what));
    });
}
