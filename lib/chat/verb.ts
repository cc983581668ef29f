/**
 * A built-in verb of the chat: what it is called, how its words are read, and what it does for the person who typed
 * it. `defineVerb` seals the type of its command inside, so that a table can hold them all.
 */
import type { Person } from './person.ts';

/** What was typed after the verb. */
export interface Words {
  readonly args: readonly string[];
  /** The `key=value` words. */
  readonly options: Readonly<Record<string, string>>;
}

export type Parsed<Command> = { ok: true; command: Command } | { ok: false; problem: string };

/** Plain lines, names between backticks; each source makes its own format of them. */
export type Lines = readonly string[];

export interface VerbSpec<Command> {
  name: string;
  /** `run <rule> [key=value …]` */
  usage: string;
  /** A phrase: what it does. */
  summary: string;
  /** Reads what follows the verb. `problem` says what was expected and what came. */
  parse(words: Words): Parsed<Command>;
  /**
   * Does it, with nothing but what the person may see and start.
   * @param verbs all that there are, for `help`
   * @returns the answer. Never throws for what a person typed; what a port throws goes through
   */
  perform(command: Command, person: Person, verbs: readonly Verb[]): Promise<Lines>;
}

export interface Verb<Command = unknown> extends Pick<VerbSpec<Command>, 'name' | 'usage' | 'summary'> {
  /** The command, bound to what does it. */
  read(
    words: Words,
  ):
    | { ok: true; command: Command; perform(person: Person, verbs: readonly Verb[]): Promise<Lines> }
    | { ok: false; problem: string };
}

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
