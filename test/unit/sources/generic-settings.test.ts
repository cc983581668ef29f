/** The generic source as its settings describe a sender. */

import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RawRequest } from '../../../lib/http/request.ts';
import { generic } from '../../../lib/sources/generic.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const NOW = new Date('2026-11-20T10:35:00Z');
const SECONDS = String(NOW.getTime() / 1000);
const BODY = '{"delivery":{"id":17},"kind":"renewed"}';

const hmac = (text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', 'live').update(text).digest(encoding);

async function send(headers: Record<string, string>, settings?: unknown, body = BODY): Promise<string> {
  const request: RawRequest = {
    method: 'POST',
    path: '',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(body),
  };
  const received = await generic.receive(request, {
    secrets: ['live'],
    now: NOW,
    settings: settingsOf('generic', settings),
  });
  if (received.kind === 'refused') return received.verification.reason;
  const made = received.normalisation;
  return made.kind === 'events' ? `${made.events[0]?.type} ${made.events[0]?.id}` : made.kind;
}

const HASH = `generic.received sha256-${createHash('sha256').update(BODY).digest('hex')}`;

describe('a request is taken', () => {
  const stamped = { timestampHeader: 'X-Time', signatureHeader: 'X-Acme-Signature' };

  it.each([
    ['by a bearer token', { authorization: 'Bearer live' }, undefined],
    [
      'by a basic password',
      { authorization: `Basic ${Buffer.from('any:live').toString('base64')}` },
      undefined,
    ],
    ['by the customary signature', { 'x-hub-signature-256': `sha256=${hmac(BODY)}` }, undefined],
    ['by a header of its own', { 'x-acme-signature': hmac(BODY) }, { signatureHeader: 'X-Acme-Signature' }],
    [
      'by a header of its own with the customary prefix',
      { 'x-acme-signature': `sha256=${hmac(BODY)}` },
      { signatureHeader: 'X-Acme-Signature' },
    ],
    [
      'in base64 with a prefix',
      { 'x-acme-signature': `v9 ${hmac(BODY, 'base64')}` },
      { signatureHeader: 'X-Acme-Signature', prefix: 'v9 ', encoding: 'base64' },
    ],
    ['with a time', { 'x-time': SECONDS, 'x-acme-signature': hmac(`${SECONDS}.${BODY}`) }, stamped],
    [
      'with a time in milliseconds, in its own order',
      { 'x-time': `${SECONDS}000`, 'x-acme-signature': hmac(`${BODY}|${SECONDS}000`) },
      { ...stamped, timestampUnit: 'ms', signed: '{body}|{timestamp}' },
    ],
  ])('%s', async (_, headers, settings) => {
    expect(await send(headers, settings)).toContain('generic.received sha256-');
  });

  it.each([
    [
      'a token where a signature is asked for',
      { authorization: 'Bearer live' },
      { signatureHeader: 'x-s' },
      'forged',
    ],
    ['no time where one is asked for', { 'x-acme-signature': hmac(BODY) }, stamped, 'forged'],
    [
      'a time that is not signed',
      { 'x-time': SECONDS, 'x-acme-signature': hmac(BODY) },
      { ...stamped, signed: '{body}' },
      'forged',
    ],
    [
      'an old time',
      { 'x-time': '1000000000', 'x-acme-signature': hmac(`1000000000.${BODY}`) },
      stamped,
      'stale',
    ],
    ['a password that is not canonical base64', { authorization: 'Basic YW55OmxpdmU' }, undefined, 'forged'],
    ['another scheme', { authorization: 'Digest live' }, undefined, 'forged'],
  ])('but not with %s', async (_, headers, settings, expected) => {
    expect(await send(headers, settings)).toBe(expected);
  });
});

describe('its id and type', () => {
  const authorization = 'Bearer live';

  it.each([
    ['of the body', { id: 'body.delivery.id', type: 'body.kind' }, 'generic.renewed 17'],
    ['of a header', { id: "headers['x-request-id']" }, 'generic.received r-1'],
    ['of nothing that is there', { id: 'body.nowhere', type: 'body.delivery' }, HASH],
  ])('are %s', async (_, settings, expected) => {
    const made = await send({ authorization, 'x-request-id': 'r-1' }, settings);
    expect(made).toBe(expected);
  });

  it('are those of the same body again, and of no other', async () => {
    const [first, again, other] = await Promise.all([
      send({ authorization }),
      send({ authorization }),
      send({ authorization }, undefined, '{}'),
    ]);
    expect([first === again, first === other]).toEqual([true, false]);
  });

  it('come from an expression that is checked with the settings', () => {
    const checked = generic.settings.safeParse({ id: 'body..id' });
    expect(checked.error?.issues[0]).toMatchObject({
      path: ['id'],
      message: 'is not a CEL expression: Expected IDENTIFIER, got DOT',
    });
  });
});
