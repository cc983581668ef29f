/** `POST /runs/{runId}/resume`: the rest of a rollout that ended in the middle, as a run of its own. */
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import type { SourceRequest } from '../http/request.ts';
import type { Log } from '../logging.ts';
import { tokenActor } from '../model/actor.ts';
import { isCutShort, neverSentTo, resumedAs, resumeRequest, whyNotResumable } from '../model/resume.ts';
import type { RunId } from '../model/run-request.ts';
import type { RunsQueue } from '../queues/runs-queue.ts';
import type { RunStore } from '../store/run-store.ts';

export interface ResumeContext {
  store: Pick<RunStore, 'get'>;
  runsQueue: Pick<RunsQueue, 'send'>;
  log: Log;
  now: () => Date;
}

/**
 * Durable when it answers: the request is on the runs queue then. Whoever asks again asks for the same run.
 * @returns undefined where there is no such run
 */
export async function answerResume(
  runId: RunId,
  tokenName: string,
  { body, traceparent }: Pick<SourceRequest, 'body'> & { traceparent?: string | undefined },
  { store, runsQueue, log, now }: ResumeContext,
): Promise<HttpAnswer | undefined> {
  if (body.length > 0) {
    throw new Refusal(
      {
        status: 400,
        code: 'resume.invalid',
        title: 'Wrong resume',
        detail:
          'Expected no body: it goes on with every instance that was never sent to. Nothing was resumed.',
      },
      'the body',
    );
  }
  const run = await store.get(runId);
  if (run === undefined) return undefined;
  const resumed = isCutShort(run) ? await store.get(resumedAs(run)) : undefined;
  const refusal = whyNotResumable(run, resumed);
  if (refusal !== undefined) {
    throw new Refusal(
      {
        status: 409,
        code: refusal.code,
        title: 'The run cannot be resumed',
        detail: `Nothing was started: ${refusal.because}.`,
      },
      refusal.code,
    );
  }
  const request = resumeRequest(run, { by: tokenActor(tokenName), now: now(), traceparent });
  await runsQueue.send([request]);
  log.info('run.resumed', { runId, as: request.runId, by: tokenName });
  return jsonAnswer(202, {
    runId: request.runId,
    rule: run.rule,
    resumes: { runId },
    instances: neverSentTo(run),
  });
}
