/**
 * Carries out a message of the runs queue: a run request, or the record of the event that started it.
 */
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { refuseBlankKey } from '../model/blank-key.ts';
import { EventRecord } from '../model/decision.ts';
import type { ScheduleRequest } from '../model/live-schedule.ts';
import { rejectionOf } from '../model/reject-request.ts';
import { RunRequest } from '../model/run-request.ts';
import { upgradeRunRequest } from '../model/upgrade.ts';
import type { Handled } from '../queues/consume.ts';
import { sentAt } from '../queues/sent-at.ts';
import type { EventLog } from '../store/event-log.ts';
import { type CancelContext, cancelRuns } from './cancel.ts';
import { checkRequest } from './check-request.ts';
import { isOfPerson, whyTooOld } from './command-age.ts';
import { dispatchRun, recordRejection } from './dispatch.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { type JudgeContext, judge } from './judge-approval.ts';
import { traceChain } from './trace-chain.ts';

export interface CarryOutContext extends DispatchContext, CancelContext, JudgeContext {
  events: Pick<EventLog, 'put'>;
  /** Handles requests for a later time (lib/schedules/). */
  schedule: (runRequest: ScheduleRequest) => Promise<Handled>;
}

/**
 * @throws FleetReflexError (hold) `request.invalid`, `parameters.unsafe`, …: the version is unknown, the message is not
 * ours, or no rule can make the request
 */
export async function carryOut(record: RunsMessage, context: CarryOutContext): Promise<Handled> {
  const parsed = parse(record.body);
  if (parsed.action !== 'event') checkRequest(parsed, context.now());
  const request =
    parsed.action === 'event'
      ? parsed
      : refuseBlankKey(
          await traceChain(await inTime(parsed, sentAt(record, context.now()), context), context),
        );
  switch (request.action) {
    case 'event':
      await context.events.put(request);
      return { kind: 'done' };
    case 'run':
      return await dispatchRun(request, context);
    case 'cancel':
      await cancelRuns(request, context);
      return { kind: 'done' };
    case 'judge':
      await judgeByMessage(request, context);
      return { kind: 'done' };
    case 'reject':
      return await recordRejection(request, context);
    case 'schedule':
      return await context.schedule(request);
  }
}

/** The chat has answered already, by what it knew then: somebody else may have been faster. */
async function judgeByMessage(
  { targetRunId, kind, why, person, trigger }: Extract<RunRequest, { action: 'judge' }>,
  context: CarryOutContext,
): Promise<void> {
  const { actor } = trigger;
  if (actor === undefined) return;
  const judged = await judge(targetRunId, { kind, why }, { actor, person }, context);
  if (judged.kind !== 'done')
    context.log.info('approval.refused', { runId: targetRunId, by: actor, because: judged.kind });
}

/**
 * The request, or the rejection of a person's command that is too old. A known run was accepted in time, and may wait
 * until its deadline.
 */
async function inTime(
  runRequest: RunRequest,
  sent: Date,
  { store, now, log }: Pick<DispatchContext, 'store' | 'now' | 'log'>,
): Promise<RunRequest> {
  const { action, runId, rule, saidAt, requestedAt } = runRequest;
  if ((action !== 'run' && action !== 'schedule') || !isOfPerson(runRequest)) return runRequest;
  const givenAt = new Date(
    Math.min(Date.parse(saidAt ?? requestedAt), Date.parse(requestedAt), sent.getTime()),
  );
  const tooOld = whyTooOld(givenAt, now());
  if (tooOld === undefined || (await store.get(runId)) !== undefined) return runRequest;
  log.info('run.stopped', { runId, rule, guard: tooOld.code });
  return rejectionOf(runRequest, tooOld);
}

/** A queue record; without its attributes, its age is that of its body. */
type RunsMessage = Pick<SQSRecord, 'body'> & Partial<Pick<SQSRecord, 'attributes' | 'messageAttributes'>>;

const ReceivedRequest = z.preprocess(upgradeRunRequest, RunRequest);
const IsRecord = z.looseObject({ action: z.literal('event') });

function parse(body: string): RunRequest | EventRecord {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
  const schema = IsRecord.safeParse(value).success ? EventRecord : ReceivedRequest;
  const request = schema.safeParse(value);
  if (request.success) return request.data;
  throw invalid(z.prettifyError(request.error).replaceAll('\n', ' '), request.error);
}

function invalid(what: string, cause: unknown): FleetReflexError {
  return new FleetReflexError(
    'request.invalid',
    `A message of the runs queue must be a run request of version 2 or before, and ${what}. Nothing was run. Look at who sent it; a newer version of fleet-reflex may understand it.`,
    { disposition: 'hold', cause },
  );
}
