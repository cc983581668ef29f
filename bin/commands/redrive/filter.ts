/** Which messages of a dead-letter queue are meant: all that was asked for must hold. */
import type { Message } from '@aws-sdk/client-sqs';
import { factsOf } from './message-facts.ts';

export interface Wanted {
  /** The code; `none`: it failed each time. */
  reason?: string | undefined;
  rule?: string | undefined;
  source?: string | undefined;
  /** First sent before that, or after it. */
  before?: Date | undefined;
  after?: Date | undefined;
  /** Of messages or runs; empty: any. */
  ids: readonly string[];
}

/** A message of which something is not known is not meant by a filter on it. */
export function isWanted(message: Message, wanted: Wanted): boolean {
  const { reason, rule, source, before, after, ids } = wanted;
  const facts = factsOf(message);
  const { sentAt } = facts;
  return (
    (reason === undefined || (facts.reason ?? 'none') === reason) &&
    (rule === undefined || facts.rule === rule) &&
    (source === undefined || facts.source === source) &&
    (before === undefined || (sentAt !== undefined && sentAt < before)) &&
    (after === undefined || (sentAt !== undefined && sentAt > after)) &&
    (ids.length === 0 || facts.ids.some((id) => ids.includes(id)))
  );
}
