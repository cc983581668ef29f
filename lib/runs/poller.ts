/**
 * The poller function: called each minute by the schedule and in between by the wake-up queue, whose messages may
 * carry a provider's notice that an invocation has changed. The facts are always read from the provider's API: such a
 * message only causes a look.
 */
import middy from '@middy/core';
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import type { CorrelatedLog } from '../logging.ts';
import { WakeUp } from '../queues/wake-up-queue.ts';
import { type PollContext, poll } from './poll.ts';

/** What starts it: a batch of wake-ups; anything else is the schedule. */
const WakeUpBatch = z.looseObject({ Records: z.array(z.looseObject({ body: z.string() })) });

export interface PollerContext extends Omit<PollContext, 'budgetMs'> {
  log: CorrelatedLog;
  /** Other work of each call; its failures affect no run. */
  beforePolling: () => Promise<void>;
  /** Puts a change of the rules on record; it is tried again with the next call. */
  noteRules: () => Promise<void>;
  /** Archives some of what is old enough. */
  archive: () => Promise<void>;
}

/** The loop stops this long before the function's own time-out. */
const RESERVE_MS = 12_000;

export function pollerHandler(context: PollerContext) {
  return middy<unknown, unknown>().handler(async (event, { awsRequestId, getRemainingTimeInMillis }) => {
    const { log, metrics, now } = context;
    const startedAt = now();
    log.correlate({ requestId: awsRequestId });
    const batch = WakeUpBatch.safeParse(event);
    if (batch.success) for (const { body } of batch.data.Records) logNews(body, context);
    const failed = (event: string) => (thrown: unknown) => {
      log.error(event, { error: messageOf(thrown), stack: thrown instanceof Error ? thrown.stack : '' });
    };
    await Promise.all([
      context.beforePolling().catch(failed('schedules.failed')),
      context.noteRules().catch(failed('rules.unnoted')),
    ]);
    const budgetMs = Math.max(1_000, getRemainingTimeInMillis() - RESERVE_MS);
    // For this call only: another call in this process is another loop.
    const owner = `${context.owner}#${awsRequestId}`;
    // Beside each other: neither waits for the other.
    const [report] = await Promise.all([
      poll({ ...context, owner, budgetMs }),
      context.archive().catch(failed('archive.failed')),
    ]);
    log.info('poller.done', { ...report });
    metrics?.add('PollerPass', now().getTime() - startedAt.getTime());
    // For the wake-up queue: every message is done.
    return { batchItemFailures: [], ...report };
  });
}

function logNews(body: string, { log }: PollerContext): void {
  const wakeUp = readWakeUp(body);
  // An unreadable wake-up still wakes the poller.
  if (wakeUp === undefined) log.warn('wake-up.invalid');
  for (const { provider, invocationId } of wakeUp?.news ?? []) {
    log.info('invocation.news', { provider, invocationId });
  }
}

function readWakeUp(body: string): WakeUp | undefined {
  try {
    return WakeUp.parse(JSON.parse(body));
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof z.ZodError) return undefined;
    throw thrown;
  }
}
