/** Finds the subcommand's file in bin/commands/ and runs it. */
import { readdir } from 'node:fs/promises';
import { FleetReflexError } from '../lib/errors.ts';
import { CommandModule, UsageError } from './command.ts';

const FOLDER = new URL('commands/', import.meta.url);

/** @returns the exit code: 0 done, 1 it says no, 2 it was asked wrongly */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const names = (await readdir(FOLDER))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3));
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    await printHelp(names, rest[0]);
    return 0;
  }
  if (!names.includes(name)) {
    console.error(`There is no command \`${name}\`. Commands: ${names.join(', ')}. Try: fleet-reflex help`);
    return 2;
  }
  const { command } = await load(name);
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (thrown) {
    if (thrown instanceof UsageError || isArgumentError(thrown)) {
      console.error(`${thrown.message}\n\n${command.usage}`);
      return 2;
    }
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    console.error(thrown.message);
    return 1;
  }
}

async function printHelp(names: readonly string[], only: string | undefined): Promise<void> {
  if (only !== undefined && names.includes(only)) {
    console.log((await load(only)).command.usage);
    return;
  }
  const commands = await Promise.all(names.map(async (name) => ({ name, ...(await load(name)).command })));
  const width = Math.max(...names.map((name) => name.length));
  console.log('fleet-reflex: events in, commands on the fleet, completion events out.\n');
  for (const { name, summary } of commands) console.log(`  ${name.padEnd(width)}  ${summary}`);
  console.log('\nfleet-reflex help <command> says more.');
}

async function load(name: string) {
  return CommandModule.parse(await import(new URL(`${name}.ts`, FOLDER).href));
}

/** The error of parseArgs of node:util for an unknown option. */
function isArgumentError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}
