/** `GET`, `PUT` and `DELETE /freeze`: the kill switch over HTTP, for people who have a token and no AWS keys. */
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import type { AccessToken } from '../http/access-tokens.ts';
import { demand } from '../http/authorize.ts';
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import type { SourceRequest } from '../http/request.ts';
import type { Log } from '../logging.ts';
import { tokenActor } from '../model/actor.ts';
import { type AuditEntry, auditEntry } from '../model/audit-entry.ts';
import type { FileWindows, WindowView } from '../model/window.ts';
import type { AuditLog } from '../store/audit-log.ts';
import type { Freeze, GuardStore } from '../store/guard-store.ts';

export interface FreezeApiContext {
  guards: GuardStore;
  audit: Pick<AuditLog, 'add'>;
  /** Those of the deployed rules file. */
  windows: () => Promise<FileWindows>;
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
      return jsonAnswer(200, { ...(await stateOf(context)), ...(await windowsOf(context)) });
    case 'PUT': {
      demand(token, 'freeze');
      const freeze = { by: token.name, ...read(request.json(), now()) };
      await guards.setFreeze(freeze);
      // Frozen first: the switch does not wait for its record, which holds who and why itself.
      await audit.add(freezeEntry('freeze.set', token.name, now(), freeze));
      log.warn('freeze.set', { ...freeze, until: freeze.until?.toISOString() });
      return jsonAnswer(200, await stateOf(context));
    }
    case 'DELETE':
      demand(token, 'freeze');
      // On record first: afterwards nothing says who lifted it.
      await audit.add(freezeEntry('freeze.lifted', token.name, now()));
      await guards.setFreeze(undefined);
      log.warn('freeze.lifted', { by: token.name });
      return jsonAnswer(200, await stateOf(context));
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

async function stateOf({ guards, now }: FreezeApiContext): Promise<{ isFrozen: boolean } & Partial<Freeze>> {
  const freeze = await guards.freeze(now());
  return freeze === undefined ? { isFrozen: false } : { isFrozen: true, ...freeze };
}

/** What cannot be read of the rules does not hide the switch. */
async function windowsOf({
  windows,
  log,
  now,
}: FreezeApiContext): Promise<{ windows?: WindowView[]; windowsUnread?: string }> {
  try {
    const given = await windows();
    if (given.freezes.length + given.only.length === 0) return {};
    // Crontabs are read by this route alone.
    const { viewWindows } = await import('./window-views.ts');
    return { windows: viewWindows(given, now()) };
  } catch (thrown) {
    const problem = messageOf(thrown);
    log.error('freeze.windows-unread', { error: problem });
    return { windowsUnread: `The windows of the rules file could not be read: ${problem}` };
  }
}

function read(body: unknown, now: Date): Omit<Freeze, 'by'> {
  const freeze = FreezeRequest.safeParse(body);
  if (!freeze.success) {
    const wrong = freeze.error.issues
      .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
      .join('; ');
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
