/**
 * `Launcher`: the program that is to run the script, `python3 -u {{ACS::ScriptFileName|Ext(".py")}}`. The script goes
 * into a file beside, and the launcher's line runs in its place.
 */
const SCRIPT_FILE = /\{\{\s*ACS::ScriptFileName(?:\|Ext\("(\.[A-Za-z0-9]+)"\))?\s*\}\}/gi;

/** @returns a shell script that stores the script, runs the launcher on it, and ends as the launcher ends */
export function withLauncher(script: string, launcher: string): string {
  const extension = [...launcher.matchAll(SCRIPT_FILE)][0]?.[1] ?? '';
  const line = launcher.replace(SCRIPT_FILE, '"$script_file"');
  return [
    '#!/bin/sh',
    'script_dir=$(mktemp -d) || exit 1',
    `script_file="$script_dir/script${extension}"`,
    `printf %s '${Buffer.from(script).toString('base64')}' | base64 -d > "$script_file"`,
    'chmod 755 "$script_file"',
    line,
    'status=$?',
    'rm -rf "$script_dir"',
    'exit "$status"',
    '',
  ].join('\n');
}
