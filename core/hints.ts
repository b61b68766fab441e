/**
 * What to do, where many errors call for the same.
 *
 * @module
 */

/** About an archive or a record that is damaged. */
export const OTHER_BACKUP = "Restore another backup, or read another copy of this one.";

/** About a plugin that breaks the rules. */
export const BLAME_PLUGIN = "The plugin is at fault: tell its author.";
