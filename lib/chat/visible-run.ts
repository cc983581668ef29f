/** Runs belong to rules: who may use the rule here may see its runs and cancel them, and nobody else. */
import { whyMayNotUse } from '../rules/match.ts';
import type { ChatRun } from './port.ts';
import type { ChatContext } from './verb.ts';

/** @returns undefined for a run that does not exist and for one that the person may not see: they look the same */
export async function visibleRun(
  runId: string,
  { ruleSet, event, port }: Pick<ChatContext, 'ruleSet' | 'event' | 'port'>,
): Promise<ChatRun | undefined> {
  const run = await port.status(runId);
  const rule = run && ruleSet.rules.find(({ name }) => name === run.rule);
  return rule !== undefined && whyMayNotUse(rule, event) === undefined ? run : undefined;
}
