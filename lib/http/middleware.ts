/** The middleware of every HTTP function: ids on every log line, and an answer for every exception. */
import type { MiddlewareObj } from '@middy/core';
import { messageOf } from '../errors.ts';
import type { CorrelatedLog, Log } from '../logging.ts';
import { type Audience, type HttpAnswer, problemAnswer, problemOf, Refusal } from './problem.ts';

export function correlation(log: CorrelatedLog): MiddlewareObj {
  return {
    before: ({ context }) => log.correlate({ requestId: context.awsRequestId }),
  };
}

export function problems(log: Log, audience?: Audience): MiddlewareObj<unknown, HttpAnswer> {
  return {
    onError: (request) => {
      const thrown: unknown = request.error;
      const problem = problemOf(thrown, audience);
      const facts = { status: problem.status, code: problem.code };
      const because = thrown instanceof Refusal ? thrown.because : messageOf(thrown);
      if (problem.status < 500) log.warn('request.refused', { ...facts, because });
      else {
        const stack = thrown instanceof Error ? thrown.stack : undefined;
        log.error('request.failed', { ...facts, error: because, stack });
      }
      request.response = problemAnswer(problem, `urn:request:${request.context.awsRequestId}`);
    },
  };
}
