/**
 * What the ports answer when a function does not. serverless-offline takes the error of a function that failed, or
 * was stopped at its time-out, for what the function answered, and says 200: a sender would think that its event is
 * safe, and a monitoring system that all is well.
 */
import * as z from 'zod';
import { type Problem, problemAnswer } from '../../lib/http/problem.ts';
import type { Answer } from './front.ts';

/** Made by serverless-offline's HttpServer in the place of an answer; no function of ours says this and nothing else. */
const FunctionError = z.looseObject({ errorMessage: z.string(), errorType: z.string() });
const MAY_BE_SENT_AGAIN = 'Sending it again is safe: what was already asked for is not done twice.';

const RETRY_AFTER_SECONDS = '5';

/** Of the port for events and people. */
export function mendHttp(answer: Answer | undefined): Answer {
  if (answer === undefined) {
    return fromProblem({
      status: 502,
      code: 'function.unreachable',
      title: 'The function did not answer',
      detail: `The function ended while it worked on this; the terminal of the local stack says why. ${MAY_BE_SENT_AGAIN}`,
    });
  }
  const error = answer.status === 200 ? FunctionError.safeParse(json(answer.body)).data : undefined;
  if (error === undefined) return answer;
  if (error.errorType === 'LambdaTimeoutError') {
    return fromProblem({
      status: 502,
      code: 'function.timedOut',
      title: 'The function timed out',
      detail: `The function did not answer within its \`timeout\` in serverless.yml, and was stopped. It may have done what it was asked, or a part of it. ${MAY_BE_SENT_AGAIN}`,
    });
  }
  return fromProblem({
    status: 502,
    code: 'function.failed',
    title: 'The function failed',
    detail: `The function ended with an error, which the terminal of the local stack shows. ${MAY_BE_SENT_AGAIN}`,
  });
}

/** While the process of the functions starts: nothing was asked of them. */
export function startingHttp(): Answer {
  return fromProblem({
    status: 503,
    code: 'functions.starting',
    title: 'The functions are starting',
    detail: `Nothing was done. They are there in some seconds; send it again then. The terminal of the local stack says why they start.`,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  });
}

/** Of Lambda's own port, which names what failed in a header, as Lambda does. */
export function mendLambda(answer: Answer | undefined): Answer {
  if (answer !== undefined) return answer;
  return serviceException(
    502,
    'The function ended while it worked on this; the terminal of the local stack says why.',
  );
}

/** While the process of the functions starts: nothing was asked of them. */
export function startingLambda(): Answer {
  return serviceException(503, 'The functions are starting, and nothing was done: send it again.');
}

function serviceException(status: number, Message: string): Answer {
  return {
    status,
    rawHeaders: ['content-type', 'application/json', 'x-amzn-errortype', 'ServiceException'],
    body: Buffer.from(JSON.stringify({ Type: 'Service', Message })),
  };
}

function fromProblem(problem: Problem): Answer {
  const { statusCode, headers, body } = problemAnswer(problem);
  return { status: statusCode, rawHeaders: Object.entries(headers).flat(), body: Buffer.from(body) };
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
