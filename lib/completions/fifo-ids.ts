/** For FIFO queues and topics: they keep a run's events in order and drop the second copy of the same fact. */
import { createHash } from 'node:crypto';
import type { CompletionEvent } from '../model/completion-event.ts';

/** What AWS takes as an id. */
const PLAIN = /^[\w!-/:-@[-`{-~]{1,128}$/;

export function fifoIds({ id, subject }: Pick<CompletionEvent, 'id' | 'subject'>): {
  groupId: string;
  deduplicationId: string;
} {
  return { groupId: subject, deduplicationId: PLAIN.test(id) ? id : hashOf(id) };
}

/** Cut or replaced, two facts could get one id, and the queue would drop the second. */
function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
