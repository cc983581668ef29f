/** Answers one HTML page that may do nothing but what its policy allows. It says nothing of the deployment: no token is asked for. */
import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { CorrelatedLog } from '../logging.ts';
import { correlation, problems } from './middleware.ts';
import { type HttpAnswer, Refusal } from './problem.ts';
import { HttpEvent, toRequest } from './request.ts';

export interface Page {
  html: string;
  /** The value of `content-security-policy`. */
  policy: string;
}

export function pageHandler(page: Page, log: CorrelatedLog) {
  const etag = `"${createHash('sha256').update(page.html).digest('base64url').slice(0, 22)}"`;
  const headers = {
    etag,
    // Asked for each time, sent again only when it is another: a deployment shows at once.
    'cache-control': 'no-cache',
    'content-security-policy': page.policy,
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
  return middy<unknown, HttpAnswer>()
    .use(correlation(log))
    .use(problems(log))
    .handler(async (event): Promise<HttpAnswer> => {
      const { method, headers: asked } = toRequest(HttpEvent.parse(event), '');
      if (method !== 'GET') throw notAllowed(method);
      if (asked['if-none-match'] === etag) return { statusCode: 304, headers, body: '' };
      return {
        statusCode: 200,
        headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
        body: page.html,
      };
    });
}

function notAllowed(method: string): Refusal {
  return new Refusal(
    {
      status: 405,
      code: 'method.notAllowed',
      title: 'Method not allowed',
      detail: `Expected GET, came ${method}.`,
      headers: { allow: 'GET' },
    },
    method,
  );
}
