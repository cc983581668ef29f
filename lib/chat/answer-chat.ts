/** What the door asks of each chat event before the rules see it: was it a built-in verb, and what is its answer? */
import * as z from 'zod';
import type { RuleSet } from '../rules/rule.ts';
import { parseCommand, VERBS } from './grammar.ts';
import type { ChatContext, ChatReply } from './verb.ts';

/** No source has to set it, and each that does has it under this name. */
const CommandSetting = z.looseObject({ command: z.string().default('/fleet') }).catch({ command: '/fleet' });

export type ChatAnswer =
  /** No built-in verb: the rules look at the event, as at any other. */
  | { kind: 'none' }
  /** A built-in verb. The rules are not asked. `requests` have to be durable before `text` is shown. */
  | ({ kind: 'answered' } & ChatReply);

export interface AnswerChatContext extends Omit<ChatContext, 'event' | 'verbs' | 'ruleSet'> {
  ruleSet: Pick<RuleSet, 'rules' | 'sources'>;
}

/**
 * Starts nothing itself: what is to be started is in `requests`. `port` is only used by `status` and `cancel`.
 * @throws what the port throws
 */
export async function answerChat(
  event: ChatContext['event'],
  context: AnswerChatContext,
): Promise<ChatAnswer> {
  const { command } = CommandSetting.parse(context.ruleSet.sources[event.source] ?? {});
  const { perform } = parseCommand(event, command);
  if (perform === undefined) return { kind: 'none' };
  return { kind: 'answered', ...(await perform({ ...context, event, verbs: VERBS })) };
}
