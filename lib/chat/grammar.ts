/**
 * One command grammar for every chat: the built-in verb and its arguments. Text without a built-in verb is only for rules.
 */
import type { ChatEvent } from '../rules/match.ts';
import type { Person } from './person.ts';
import type { Lines, Verb, Words } from './verb.ts';
import { approve, deny } from './verbs/approve.ts';
import { cancel } from './verbs/cancel.ts';
import { events } from './verbs/events.ts';
import { type HelpCommand, help, helpWith } from './verbs/help.ts';
import { resume } from './verbs/resume.ts';
import { run } from './verbs/run.ts';
import { schedule } from './verbs/schedule.ts';
import { status } from './verbs/status.ts';

/** Adding a verb is adding its file to lib/chat/verbs/ and its name here, in the order in which `help` lists them. */
export const VERBS = [run, status, cancel, resume, approve, deny, schedule, events, help] as const;

type ReadingOf<V> = V extends { read(words: Words): infer Reading } ? Reading : never;
type CommandOf<Reading> = Reading extends { ok: true; command: infer Command } ? Command : never;

/** `{ verb: 'run', rule, options }`, `{ verb: 'status', runId? }`, …; `none`: no built-in verb. */
export type ChatCommand = CommandOf<ReadingOf<(typeof VERBS)[number]>> | { verb: 'none' };

export interface ParsedCommand {
  command: ChatCommand;
  /** Absent for `none`. */
  perform?(person: Person, verbs: readonly Verb[]): Promise<Lines>;
}

/**
 * @param command the command whose text may be a verb: `/fleet`; others belong to rules
 * @returns for wrong arguments of a verb, `help` about it, with the problem
 */
export function parseCommand(
  { type, data }: Pick<ChatEvent, 'type' | 'data'>,
  command: string,
): ParsedCommand {
  // A button's command is the verb itself.
  const isButton = type === 'chat.action';
  const [first, ...args] = isButton ? [data.command, ...data.args] : data.args;
  if (!isButton && data.command !== command) return { command: { verb: 'none' } };
  if (first === undefined) return helpAbout({ verb: 'help' });
  // Telephones begin a message with a capital.
  const verb = VERBS.find(({ name }) => name === first.toLowerCase());
  if (verb === undefined) return { command: { verb: 'none' } };
  const reading = verb.read({ args, options: data.options });
  return reading.ok ? reading : helpAbout({ verb: 'help', about: verb.name, problem: reading.problem });
}

function helpAbout(command: HelpCommand): ParsedCommand {
  return { command, perform: async (person, all) => helpWith(command, person, all) };
}
