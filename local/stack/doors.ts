/** How the ports that stand for AWS refuse a web page: as the service that is called there refuses. */
import { problemAnswer } from '../../lib/http/problem.ts';
import type { Door } from '../server/page-guard.ts';

/** Ours: events, the API for people, and the pages of the web console. Each source says which bodies it takes. */
export const HTTP_DOOR: Door = {
  hasPages: true,
  takesForms: true,
  answer: (refusal) => problemAnswer(refusal),
};

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors */
export const LAMBDA_DOOR: Door = {
  hasPages: false,
  takesForms: false,
  answer: ({ status, detail }) => ({
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': LAMBDA_ERRORS[status] },
    body: JSON.stringify({ Type: 'User', Message: detail }),
  }),
};

const LAMBDA_ERRORS = {
  403: 'AccessDeniedException',
  413: 'RequestTooLargeException',
  415: 'UnsupportedMediaTypeException',
} as const;

/** SQS and DynamoDB, which speak AWS's JSON protocol. */
export const AWS_JSON_DOOR: Door = {
  hasPages: false,
  takesForms: false,
  answer: ({ detail }) => ({
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message: detail }),
  }),
};
