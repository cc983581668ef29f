/** `help [verb]`: the verbs, and the rules that this person may run here. */
import { describeUse, runnableRules } from '../named-rule.ts';
import type { Person } from '../person.ts';
import { defineVerb, type Lines, type Verb } from '../verb.ts';

export interface HelpCommand {
  verb: 'help';
  /** The verb that it is about. */
  about?: string;
  /** What was wrong with what was typed instead. */
  problem?: string;
}

const MAX_RULES = 30;

export const help = defineVerb<HelpCommand>({
  name: 'help',
  usage: 'help [verb]',
  summary: 'says what can be typed',
  parse: ({ args: [about] }) => ({
    ok: true,
    command: { verb: 'help', ...(about !== undefined && { about }) },
  }),
  perform: async (command, person, verbs) => helpWith(command, person, verbs),
});

export function helpWith(
  { about, problem }: HelpCommand,
  { rules: usable }: Pick<Person, 'rules'>,
  verbs: readonly Verb[],
): Lines {
  const lead = problem === undefined ? [] : [`Not understood: ${problem}.`];
  const verb = verbs.find(({ name }) => name === about?.toLowerCase());
  if (verb !== undefined) return [...lead, `\`${verb.usage}\`: ${verb.summary}`];
  const rules = runnableRules(usable);
  const more = rules.length - MAX_RULES;
  return [
    ...lead,
    ...verbs.map(({ usage, summary }) => `\`${usage}\`: ${summary}`),
    rules.length === 0 ? 'There is no rule that you may run by name here.' : 'You may run:',
    ...rules.slice(0, MAX_RULES).map((rule) => `• \`${describeUse(rule)}\``),
    ...(more > 0 ? [`… and ${more} more.`] : []),
  ];
}
