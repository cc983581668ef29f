/**
 * A built-in verb of the chat: its name, its parser, and its action for the person who typed it. `defineVerb` seals the
 * type of its command inside, so that a table can hold all verbs.
 */
import type { Person } from './person.ts';

/** The text after the verb. */
export interface Words {
  readonly args: readonly string[];
  /** The `key=value` words. */
  readonly options: Readonly<Record<string, string>>;
}

export type Parsed<Command> = { ok: true; command: Command } | { ok: false; problem: string };

/** Plain lines, names between backticks; each source converts them into its own format. */
export type Lines = readonly string[];

export interface VerbSpec<Command> {
  name: string;
  /** `run <rule> [key=value …]` */
  usage: string;
  /** A phrase: what it does. */
  summary: string;
  /** Parses the text after the verb. `problem` says what was expected and what came. */
  parse(words: Words): Parsed<Command>;
  /**
   * Performs it, with only the runs and rules that the person may see and start.
   * @param verbs all verbs, for `help`
   * @returns the answer. Never throws because of the text; exceptions of a port pass through
   */
  perform(command: Command, person: Person, verbs: readonly Verb[]): Promise<Lines>;
}

export interface Verb<Command = unknown> extends Pick<VerbSpec<Command>, 'name' | 'usage' | 'summary'> {
  /** Parses the text; the command is bound to its action. */
  read(
    words: Words,
  ):
    | { ok: true; command: Command; perform(person: Person, verbs: readonly Verb[]): Promise<Lines> }
    | { ok: false; problem: string };
}

/**
 * Binds a verb's parser and action; the type of its command is checked here and sealed.
 * @example
 * export const oldest = defineVerb({
 *   name: 'oldest',
 *   usage: 'oldest',
 *   summary: 'the oldest of the newest runs',
 *   parse: () => ({ ok: true, command: {} }),
 *   async perform(_, person) {
 *     const run = (await person.newestRuns(50)).at(-1);
 *     return [run === undefined ? 'There are no runs that you may see here.' : `\`${run.runId}\``];
 *   },
 * });
 */
export function defineVerb<Command>(spec: VerbSpec<Command>): Verb<Command> {
  return {
    name: spec.name,
    usage: spec.usage,
    summary: spec.summary,
    read(words) {
      const parsed = spec.parse(words);
      if (!parsed.ok) return parsed;
      return { ...parsed, perform: (person, verbs) => spec.perform(parsed.command, person, verbs) };
    },
  };
}
