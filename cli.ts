/**
 * The executable's entry: the process's streams and signals, and the exit code. Nothing else.
 *
 * @module
 */
import { main } from "./cli/main.ts";

Deno.exit(await main(Deno.args));
