/**
 * `POST /reconcile`: one step of a sweep, a page at a time, so that each fits in a request. The command line puts the steps
 * together. A repair is a write that the poller, or the next run, would make as well; no step sends a command.
 */
import * as z from 'zod';
import type { AccessToken } from '../http/access-tokens.ts';
import { demand } from '../http/authorize.ts';
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import type { SourceRequest } from '../http/request.ts';
import type { Log } from '../logging.ts';
import { sweepInvocations } from './sweep-invocations.ts';
import { sweepLocks } from './sweep-locks.ts';
import { type SweepContext, sweepRuns } from './sweep-runs.ts';

const since = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const cursor = z.string().min(1).max(2000).optional();
const place = { provider: z.string().min(1).max(100), region: z.string().min(1).max(100) };
const Step = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('places') }),
  z.strictObject({ step: z.literal('runs'), since, cursor, isDryRun: z.boolean() }),
  z.strictObject({ step: z.literal('locks'), ...place, isDryRun: z.boolean() }),
  z.strictObject({ step: z.literal('invocations'), ...place, since, cursor }),
]);
type Step = z.infer<typeof Step>;

export async function answerSweep(
  request: SourceRequest,
  token: AccessToken,
  context: SweepContext & { log: Log },
): Promise<HttpAnswer> {
  demand(token, 'operate');
  const asked = Step.safeParse(request.body.length === 0 ? undefined : request.json());
  if (!asked.success) throw invalid(asked.error);
  const answer = await carryOut(asked.data, context);
  for (const { code, where, state } of 'findings' in answer ? answer.findings : []) {
    if (state === 'repaired') context.log.warn('sweep.repaired', { code, where, by: token.name });
  }
  return jsonAnswer(200, answer);
}

async function carryOut(asked: Step, context: SweepContext) {
  switch (asked.step) {
    case 'places':
      return {
        places: [...(await context.store.scopes()).keys()].flatMap((scope) => placeOf(scope, context)),
      };
    case 'runs':
      return await sweepRuns(asked, context);
    case 'locks':
      return await sweepLocks(asked, context);
    case 'invocations':
      return await sweepInvocations(asked, context);
  }
}

/** None for runs without a target, and for clouds that this version does not have. */
function placeOf(scope: string, { providers }: SweepContext): { provider: string; region: string }[] {
  const [provider = '', region = ''] = scope.split('#');
  return Object.hasOwn(providers, provider) && region !== '' ? [{ provider, region }] : [];
}

function invalid(error: z.ZodError): Refusal {
  const wrong = error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
  return new Refusal(
    {
      status: 400,
      code: 'reconcile.invalid',
      title: 'Not understood',
      detail: `Expected a step of a sweep: places, runs, locks or invocations. ${wrong}. Nothing was repaired.`,
    },
    wrong,
  );
}
