/**
 * What became of one call to Cloud Assistant, and the reading of an HTTP answer into it. The vendor answers errors
 * with HTTP 400 and more and `{RequestId, HostId, Code, Message, Recommend}`.
 */
import type * as z from 'zod';
import type { HttpOutcome } from '../http-call.ts';
import type { ProviderFailure } from '../provider.ts';
import { ErrorAnswer } from './answers.ts';
import { explainErrorCode, isRetryableKind, mayHaveTakenEffect } from './error-codes.ts';
import { ownFailure } from './failure.ts';

/** As the port's `InvokeOutcome`, for every action. */
export type CallResult<Answer> =
  | { kind: 'answered'; answer: Answer }
  /** It certainly had no effect. */
  | { kind: 'notSent'; failure: ProviderFailure; isThrottled?: boolean }
  /** It may have had its effect. */
  | { kind: 'unknown'; failure: ProviderFailure; isThrottled?: boolean };

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;

export function transportFailure(
  outcome: Exclude<HttpOutcome, Answered>,
): Exclude<CallResult<never>, { kind: 'answered' }> {
  const failure: ProviderFailure = {
    code: outcome.code,
    message: outcome.message,
    advice:
      outcome.kind === 'notSent'
        ? 'Check the network from here to the vendor, and the endpoint.'
        : 'Nothing to do: what became of the request is looked up before anything is sent again.',
    isRetryable: true,
  };
  return { kind: outcome.kind === 'notSent' ? 'notSent' : 'unknown', failure };
}

/** @param epochMs the wall clock, for how long a throttled API stays shut */
export function readAnswer<Answer>(
  outcome: Answered,
  schema: z.ZodType<Answer>,
  epochMs: number,
): CallResult<Answer> {
  const body = parseJson(outcome.body);
  if (outcome.status >= 400) return { ...readError(outcome, body, epochMs) };
  const parsed = schema.safeParse(body);
  if (outcome.status < 300 && parsed.success) return { kind: 'answered', answer: parsed.data };
  return {
    kind: 'unknown',
    failure: ownFailure(
      'InvalidAnswer',
      `HTTP ${outcome.status} with a body that does not have the documented form`,
    ),
  };
}

function readError(
  outcome: Answered,
  body: unknown,
  epochMs: number,
): Exclude<CallResult<never>, { kind: 'answered' }> {
  const parsed = ErrorAnswer.safeParse(body);
  const answer = parsed.success
    ? parsed.data
    : { Code: `Http${outcome.status}`, Message: 'no error body in the documented form', RequestId: '' };
  const { kind, advice } = explainErrorCode(answer.Code, outcome.status);
  const isThrottled = kind === 'throttled';
  const retryAfterMs = isThrottled ? (retryAfterHeader(outcome) ?? untilNextMinute(epochMs)) : undefined;
  const failure: ProviderFailure = {
    code: answer.Code,
    message: answer.Message,
    advice,
    ...(answer.RequestId !== '' && { requestId: answer.RequestId }),
    isRetryable: isRetryableKind(kind),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(kind === 'unavailable' && { isUnavailable: true }),
  };
  return { kind: mayHaveTakenEffect(kind) ? 'unknown' : 'notSent', failure, isThrottled };
}

/** The vendor's SDK reads `x-acs-retry-after` as whole milliseconds (openapi-core, getThrottlingTimeLeft). */
function retryAfterHeader(outcome: Answered): number | undefined {
  const header = outcome.headers['x-acs-retry-after'];
  const milliseconds = typeof header === 'string' ? Number.parseInt(header, 10) : Number.NaN;
  return milliseconds >= 0 ? milliseconds : undefined;
}

/** Who is throttled in one minute is refused until the next begins. */
function untilNextMinute(epochMs: number): number {
  return 60_000 - (epochMs % 60_000);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
