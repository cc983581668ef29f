/** `GET`, `PUT` and `DELETE /freeze`: the kill switch over HTTP, for people who have the token and no AWS keys. */
import * as z from 'zod';
import type { GuardStore } from '../guards/claims.ts';
import type { Log } from '../logging.ts';
import { parseJson } from '../sources/body.ts';
import type { SourceRequest } from '../sources/source.ts';
import { type HttpAnswer, jsonAnswer, Refusal } from './problem.ts';

export interface FreezeApiContext {
  guards: GuardStore;
  log: Log;
  now: () => Date;
}

const FreezeRequest = z.strictObject({
  reason: z.string().min(1).max(500),
  /** Who; shown to everybody whose run is stopped by it. */
  by: z.string().min(1).max(100),
  /** ISO 8601; absent: until it is lifted. */
  until: z.iso.datetime({ offset: true }).optional(),
});

export async function answerFreeze(request: SourceRequest, context: FreezeApiContext): Promise<HttpAnswer> {
  const { guards, log, now } = context;
  switch (request.method) {
    case 'GET':
      return await show(context);
    case 'PUT': {
      const { until, ...rest } = read(request.body, now());
      await guards.setFreeze({ ...rest, ...(until !== undefined && { until }) });
      log.warn('freeze.set', { ...rest, until: until?.toISOString() });
      return await show(context);
    }
    case 'DELETE':
      await guards.setFreeze(undefined);
      log.warn('freeze.lifted');
      return await show(context);
    default:
      throw new Refusal(
        {
          status: 405,
          code: 'method.notAllowed',
          title: 'Method not allowed',
          detail: `Expected GET, PUT or DELETE, came ${request.method}.`,
          headers: { allow: 'GET, PUT, DELETE' },
        },
        request.method,
      );
  }
}

async function show({ guards, now }: FreezeApiContext): Promise<HttpAnswer> {
  const freeze = await guards.freeze(now());
  return jsonAnswer(200, freeze === undefined ? { isFrozen: false } : { isFrozen: true, ...freeze });
}

function read(body: Buffer, now: Date): { reason: string; by: string; until?: Date } {
  const freeze = FreezeRequest.safeParse(parseJson(body));
  if (!freeze.success) {
    const wrong = freeze.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw invalid(`Expected {"reason", "by", "until"?}. ${wrong}.`);
  }
  const { until, ...rest } = freeze.data;
  if (until === undefined) return rest;
  if (Date.parse(until) <= now.getTime())
    throw invalid(`until is ${until}, and it is ${now.toISOString()} already.`);
  return { ...rest, until: new Date(until) };
}

function invalid(detail: string): Refusal {
  return new Refusal({ status: 400, code: 'freeze.invalid', title: 'Not understood', detail }, detail);
}
