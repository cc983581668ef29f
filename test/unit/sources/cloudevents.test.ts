/** The HTTP binding of CloudEvents in its three modes, and the handshake. */

import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { RawRequest } from '../../../lib/http/request.ts';
import { cloudevents } from '../../../lib/sources/cloudevents/receive.ts';
import type { Normalisation } from '../../../lib/sources/source.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const NOW = new Date('2026-11-20T10:35:00Z');
const EVENT = { specversion: '1.0', id: '1', source: '/s', type: 't', data: { a: 1 } };

async function send(
  headers: Record<string, string>,
  body: string | Buffer = '',
  { method = 'POST', query = '', settings }: { method?: string; query?: string; settings?: unknown } = {},
): Promise<Normalisation | string> {
  const request: RawRequest = {
    method,
    path: '',
    query: new URLSearchParams(query),
    headers,
    body: Buffer.from(body),
  };
  try {
    const received = await cloudevents.receive(request, {
      secrets: ['live'],
      now: NOW,
      settings: settingsOf('cloudevents', settings),
    });
    return received.kind === 'refused' ? received.verification.because : received.normalisation;
  } catch (thrown) {
    return thrown instanceof FleetReflexError ? thrown.code : String(thrown);
  }
}

const authorization = 'Bearer live';
const binary = (more: Record<string, string>) => ({
  authorization,
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': '/s',
  'ce-type': 't',
  ...more,
});
const facts = (made: Normalisation | string) =>
  typeof made === 'string' || made.kind !== 'events'
    ? made
    : made.events.map(({ id, type, subject, time, data }) => ({
        id,
        type,
        subject,
        time,
        body: Object(data).body,
      }));
const expected = {
  id: '/s 1',
  type: 'generic.t',
  subject: undefined,
  time: NOW.toISOString(),
  body: { a: 1 },
};

describe('a CloudEvent', () => {
  it.each([
    ['structured', { 'content-type': 'application/cloudevents+json' }, JSON.stringify(EVENT), [expected]],
    [
      'structured, in any case',
      { 'content-type': 'Application/CloudEvents+JSON; charset=utf-8' },
      JSON.stringify(EVENT),
      [expected],
    ],
    ['structured as plain JSON', { 'content-type': 'application/json' }, JSON.stringify(EVENT), [expected]],
    [
      'batched',
      { 'content-type': 'application/cloudevents-batch+json' },
      JSON.stringify([EVENT, { ...EVENT, id: '2', data: undefined }]),
      [expected, { ...expected, id: '/s 2', body: null }],
    ],
    ['binary', binary({ 'content-type': 'application/json' }), '{"a":1}', [expected]],
    ['binary, of text', binary({ 'content-type': 'text/plain' }), 'hi', [{ ...expected, body: 'hi' }]],
    [
      'binary, of bytes',
      binary({ 'content-type': 'image/png' }),
      Buffer.from([0xff, 0]),
      [{ ...expected, body: '/wA=' }],
    ],
    ['binary, of nothing', binary({}), '', [{ ...expected, body: null }]],
    [
      'binary, percent-encoded',
      binary({ 'content-type': 'application/json', 'ce-subject': 'Euro%20%E2%82%AC%20%F0%9F%98%80' }),
      '{"a":1}',
      [{ ...expected, subject: 'Euro € 😀' }],
    ],
    [
      'binary, quoted',
      binary({ 'content-type': 'application/json', 'ce-subject': '"a \\"b\\""' }),
      '{"a":1}',
      [{ ...expected, subject: 'a "b"' }],
    ],
    [
      'with Tencent’s milliseconds',
      { 'content-type': 'application/json' },
      JSON.stringify({ ...EVENT, time: '1615430559146' }),
      [{ ...expected, time: '2021-03-11T02:42:39.146Z' }],
    ],
  ])('%s is read', async (_, headers, body, events) => {
    expect(facts(await send({ authorization, ...headers }, body))).toEqual(events);
  });

  it.each([
    ['in a header that is no UTF-8', binary({ 'ce-subject': '%C0%A0' }), '', 'body.encoding'],
    [
      'without an id',
      { authorization, 'content-type': 'application/cloudevents+json' },
      '{"specversion":"1.0","source":"/s","type":"t"}',
      'body.invalid',
    ],
    [
      'of another version',
      { authorization, 'content-type': 'application/cloudevents+json' },
      JSON.stringify({ ...EVENT, specversion: '0.3' }),
      'body.invalid',
    ],
    ['in XML', { authorization, 'content-type': 'application/cloudevents+xml' }, '<event/>', 'body.format'],
  ])('%s is not', async (_, headers, body, code) => {
    expect(await send(headers, body)).toBe(code);
  });

  it('batched with nothing in it starts nothing', async () => {
    const headers = { authorization, 'content-type': 'application/cloudevents-batch+json' };
    expect(await send(headers, '[]')).toEqual({ kind: 'ignored', because: 'the batch is empty' });
  });
});

describe('an access token in the query', () => {
  const body = JSON.stringify(EVENT);

  it('is refused', async () => {
    expect(await send({}, body, { query: 'access_token=live' })).toBe('it has no authorization header');
  });

  it('is taken where the settings allow it', async () => {
    const made = await send({}, body, { query: 'access_token=live', settings: { acceptsQueryToken: true } });
    expect(facts(made)).toEqual([expected]);
  });
});

describe('the handshake', () => {
  const ask = (origin: string | undefined, settings?: unknown) =>
    send(origin === undefined ? {} : { 'webhook-request-origin': origin }, '', {
      method: 'OPTIONS',
      settings,
    });
  const answer = (more: Record<string, string>) => ({
    kind: 'answered',
    answer: { status: 200, headers: { allow: 'POST, OPTIONS', ...more }, body: '' },
  });
  const consent = (origin: string) =>
    answer({ 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' });

  it.each([
    ['any origin', 'eventemitter.example.com', undefined, consent('eventemitter.example.com')],
    ['an origin of the settings', 'a.example', { allowedOrigins: ['a.example'] }, consent('a.example')],
    ['another origin', 'b.example', { allowedOrigins: ['a.example'] }, answer({})],
    ['no origin', undefined, undefined, answer({})],
    ['an origin that is no name', 'a.example\r\nset-cookie: x', undefined, answer({})],
  ])('with %s', async (_, origin, settings, expectedAnswer) => {
    expect(await ask(origin, settings)).toEqual(expectedAnswer);
  });
});

describe('where the secret is a Standard Webhooks secret', () => {
  it('a bearer token is not enough', async () => {
    const secret = `whsec_${Buffer.from('thirty-two bytes make a live key').toString('base64')}`;
    const received = await cloudevents.receive(
      {
        method: 'POST',
        path: '',
        query: new URLSearchParams(),
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/cloudevents+json' },
        body: Buffer.from(JSON.stringify(EVENT)),
      },
      { secrets: [secret], now: NOW, settings: settingsOf('cloudevents') },
    );
    expect(received).toMatchObject({
      kind: 'refused',
      verification: { because: 'it has no webhook-id header' },
    });
  });
});
