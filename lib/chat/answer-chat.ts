/**
 * Handles each chat event before the rules see it: whether the person may use anything here, whether it is a built-in verb,
 * and the verb's answer.
 */
import type { ChatEvent } from '../rules/match.ts';
import type { RuleSet } from '../rules/rule.ts';
import { whyOutside } from '../rules/tenants.ts';
import { commandOf, tenantsOf } from '../sources/settings.ts';
import { type ChatCommand, parseCommand, VERBS } from './grammar.ts';
import { type Asked, bindPerson, type Person, type PersonContext } from './person.ts';
import { mayNotText, type UsableRules, usableRules } from './usable-rules.ts';

export type ChatAnswer =
  /** No built-in verb: the rules evaluate the event, like any other. */
  | { kind: 'none' }
  /** The person may use nothing here. The rules are not evaluated. */
  | ({ kind: 'refused'; text: string } & Pick<UsableRules, 'refused'>)
  /** A built-in verb. The rules are not evaluated. `requests` must be durable before `text` is shown. */
  | ({ kind: 'answered'; text: string } & Asked);

export interface AnswerChatContext extends Omit<PersonContext, 'event' | 'rules'> {
  ruleSet: Pick<RuleSet, 'rules' | 'index' | 'sources'>;
}

/**
 * Starts no runs itself, but returns them as `requests`. `port` is used by the verbs that read.
 * @throws what the port throws
 */
export async function answerChat(
  event: ChatEvent,
  { ruleSet, ...context }: AnswerChatContext,
): Promise<ChatAnswer> {
  const { rules, refused } = usableRules(ruleSet, event);
  const { command, perform } = parseCommand(event, commandOf(ruleSet.sources[event.source]));
  // Who may approve need not be among those who may use any rule.
  const isJudge = command.verb === 'approve' || command.verb === 'deny';
  const settings = ruleSet.sources[event.source];
  const isOutside = whyOutside(settings && tenantsOf(settings), event.source, event.data) !== undefined;
  const mayNothing = rules.length === 0 && refused.length > 0;
  if (mayNothing && (!isJudge || isOutside)) return { kind: 'refused', text: mayNotText(event), refused };
  if (perform === undefined) return { kind: 'none' };
  const { person, asked } = bindPerson({ ...context, event, rules, isOutside });
  if (mayNothing && !(await mayJudge(command, person))) {
    return { kind: 'refused', text: mayNotText(event), refused };
  }
  const lines = await perform(person, VERBS);
  // The answer treats it as a rule that does not exist; the record says why.
  const named = 'rule' in command ? refused.filter(({ rule }) => rule === command.rule) : [];
  return { kind: 'answered', text: lines.join('\n'), ...asked, unmatched: [...asked.unmatched, ...named] };
}

async function mayJudge(command: ChatCommand, person: Person): Promise<boolean> {
  if (command.verb !== 'approve' && command.verb !== 'deny') return false;
  return (await person.judging(command.runId)).kind !== 'none';
}
