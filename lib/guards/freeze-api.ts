/** `GET`, `PUT` and `DELETE /freeze`: the kill switch over HTTP, for people who have a token and no AWS keys. */
import * as z from 'zod';
import type { AccessToken } from '../http/access-tokens.ts';
import { demand } from '../http/authorize.ts';
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import type { SourceRequest } from '../http/request.ts';
import type { Log } from '../logging.ts';
import { tokenActor } from '../model/actor.ts';
import { type AuditEntry, auditEntry } from '../model/audit-entry.ts';
import type { AuditLog } from '../store/audit-log.ts';
import type { Freeze, GuardStore } from '../store/guard-store.ts';

export interface FreezeApiContext {
  guards: GuardStore;
  audit: Pick<AuditLog, 'add'>;
  log: Log;
  now: () => Date;
}

const FreezeRequest = z.strictObject({
  reason: z.string().min(1).max(500),
  /** For whom; shown after the token's name, which the caller cannot choose, in every run that the freeze stops. */
  by: z.string().min(1).max(100).optional(),
  /** ISO 8601; absent: until it is lifted. */
  until: z.iso.datetime({ offset: true }).optional(),
});

export async function answerFreeze(
  request: SourceRequest,
  token: AccessToken,
  context: FreezeApiContext,
): Promise<HttpAnswer> {
  const { guards, audit, log, now } = context;
  switch (request.method) {
    case 'GET':
      demand(token, 'read');
      return await show(context);
    case 'PUT': {
      demand(token, 'freeze');
      const freeze = { by: token.name, ...read(request.json(), now()) };
      await guards.setFreeze(freeze);
      // Frozen first: the switch does not wait for its record, which holds who and why itself.
      await audit.add(freezeEntry('freeze.set', token.name, now(), freeze));
      log.warn('freeze.set', { ...freeze, until: freeze.until?.toISOString() });
      return await show(context);
    }
    case 'DELETE':
      demand(token, 'freeze');
      // On record first: afterwards nothing says who lifted it.
      await audit.add(freezeEntry('freeze.lifted', token.name, now()));
      await guards.setFreeze(undefined);
      log.warn('freeze.lifted', { by: token.name });
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

function freezeEntry(
  act: 'freeze.set' | 'freeze.lifted',
  by: string,
  now: Date,
  { reason, onBehalfOf, until }: Partial<Freeze> = {},
): AuditEntry {
  const whom = onBehalfOf === undefined ? '' : ` on behalf of ${onBehalfOf}`;
  const end = until === undefined ? '' : ` until ${until.toISOString()}`;
  return auditEntry({
    id: `${act}/${now.toISOString()}/${by}`,
    at: now.toISOString(),
    act,
    actor: tokenActor(by),
    message: reason === undefined ? 'The freeze was lifted.' : `All runs were frozen${whom}${end}: ${reason}`,
  });
}

async function show({ guards, now }: FreezeApiContext): Promise<HttpAnswer> {
  const freeze = await guards.freeze(now());
  return jsonAnswer(200, freeze === undefined ? { isFrozen: false } : { isFrozen: true, ...freeze });
}

function read(body: unknown, now: Date): Omit<Freeze, 'by'> {
  const freeze = FreezeRequest.safeParse(body);
  if (!freeze.success) {
    const wrong = freeze.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw invalid(`Expected {"reason", "by"?, "until"?}. ${wrong}.`);
  }
  const { reason, by, until } = freeze.data;
  const said = { reason, ...(by !== undefined && { onBehalfOf: by }) };
  if (until === undefined) return said;
  if (Date.parse(until) <= now.getTime())
    throw invalid(`until is ${until}, and it is ${now.toISOString()} already.`);
  return { ...said, until: new Date(until) };
}

function invalid(detail: string): Refusal {
  return new Refusal({ status: 400, code: 'freeze.invalid', title: 'Not understood', detail }, detail);
}
