/**
 * The poller function: called each minute by the schedule and in between by the wake-up queue, whose messages may
 * carry a provider's word that an invocation has changed.
 */
import middy from '@middy/core';
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import type { CorrelatedLog } from '../logging.ts';
import { WakeUp } from '../queues/wake-up-queue.ts';
import { type PollContext, poll } from './poll.ts';
import { noteNews } from './push.ts';

/** What starts it: a batch of wake-ups; anything else is the schedule. */
const WakeUpBatch = z.looseObject({ Records: z.array(z.looseObject({ body: z.string() })) });

export interface PollerContext extends Omit<PollContext, 'budgetMs'> {
  log: CorrelatedLog;
  /** What else is looked after each time; what goes wrong there stops no run. */
  beforePolling: () => Promise<void>;
}

/** Stops so long before the function's own time-out. */
const RESERVE_MS = 12_000;

export function pollerHandler(context: PollerContext) {
  return middy<unknown, unknown>().handler(async (event, { awsRequestId, getRemainingTimeInMillis }) => {
    const { log } = context;
    log.correlate({ requestId: awsRequestId });
    const batch = WakeUpBatch.safeParse(event);
    if (batch.success) await takeNews(batch.data.Records, context);
    await context.beforePolling().catch((thrown: unknown) => {
      log.error('schedules.failed', {
        error: messageOf(thrown),
        stack: thrown instanceof Error ? thrown.stack : '',
      });
    });
    const budgetMs = Math.max(1_000, getRemainingTimeInMillis() - RESERVE_MS);
    const report = await poll({ ...context, budgetMs });
    log.info('poller.done', { ...report });
    // For the wake-up queue: every message has done what it is for.
    return { batchItemFailures: [], ...report };
  });
}

async function takeNews(records: readonly { body: string }[], context: PollerContext): Promise<void> {
  for (const { body } of records) {
    const wakeUp = readWakeUp(body);
    // A wake-up that nobody understands still wakes.
    if (wakeUp === undefined) context.log.warn('wake-up.invalid');
    for (const { provider, invocationId } of wakeUp?.news ?? []) {
      const outcome = await noteNews(provider, invocationId, context);
      context.log.info('invocation.news', { provider, invocationId, outcome });
    }
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
