/** Web hooks of ours: signed as the standard says, to the public Internet only, and what each answer means. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webhookSender } from '../../../lib/completions/webhook-destination.ts';
import { publicLookup } from '../../../lib/http/public-lookup.ts';
import { portOf } from '../../../local/stack/ports.ts';
import { aCompletionEvent } from '../../fixtures/completion-events.ts';

const SECRET = `whsec_${Buffer.from('a secret of 24 bytes or so').toString('base64')}`;
const ref = (webhook: string) => ({ name: 'hook', webhook });

interface Got {
  url: string | undefined;
  headers: Record<string, string>;
  body: string;
}

let server: Server;
let url: string;
let answer: { status: number; headers?: Record<string, string>; body?: string };
let got: Got[];
beforeAll(async () => {
  server = createServer((request, response) => void receive(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${portOf(server)}/hooks?of=ours`;
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray()).toString();
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  got.push({ url: request.url, headers, body });
  // Never: a receiver that hangs.
  if (answer.status > 0) response.writeHead(answer.status, answer.headers).end(answer.body);
}

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function send(options: Partial<Parameters<typeof webhookSender>[1]> = {}, to = url, bytes = 4) {
  got = [];
  const event = aCompletionEvent(bytes);
  const sender = webhookSender(ref(to), {
    secrets: async () => [SECRET],
    now: () => new Date(),
    allowLoopback: true,
    ...options,
  });
  const [delivery] = await sender.send([event]);
  return { event, delivery };
}

describe('a web hook of ours', () => {
  it('is signed with every live secret and the time of this try, for the package of the standard', async () => {
    answer = { status: 200 };
    const { event, delivery } = await send({ secrets: async () => [SECRET, 'plain text'] });
    expect(delivery).toEqual({ kind: 'delivered' });
    const [{ url: path, headers, body } = { url: '', headers: {}, body: '' }] = got;
    expect(path).toBe('/hooks?of=ours');
    expect(headers).toMatchObject({
      'webhook-id': event.id,
      'content-type': 'application/json; charset=utf-8',
    });
    for (const key of [new Webhook(SECRET), new Webhook('plain text', { format: 'raw' })]) {
      expect(key.verify(body, headers)).toEqual(event);
    }
    expect(() => new Webhook('another', { format: 'raw' }).verify(body, headers)).toThrow();
  });

  it('has a new time with each try, under the same id', async () => {
    answer = { status: 500 };
    const at = (iso: string) => send({ now: () => new Date(iso) });
    await at('2026-11-21T12:00:00Z');
    const [first] = got;
    await at('2026-11-21T13:00:00Z');
    const [second] = got;
    expect([first?.headers['webhook-timestamp'], second?.headers['webhook-timestamp']]).toEqual([
      '1795262400',
      '1795266000',
    ]);
    expect(first?.headers['webhook-signature']).not.toBe(second?.headers['webhook-signature']);
  });

  it('is 64 KiB at most: outputs are cut, and it says where the whole is', async () => {
    answer = { status: 200 };
    const { event } = await send({}, url, 190_000);
    const sent = JSON.parse(got[0]?.body ?? '');
    expect(Buffer.byteLength(got[0]?.body ?? '')).toBeLessThanOrEqual(64 * 1024);
    const [task] = sent.data.tasks;
    expect(task.output.length + task.outputDroppedBytes).toBe(190_000);
    expect(sent).toMatchObject({ id: event.id, data: { wholeRun: `/runs/${event.subject}` } });
  });
});

describe('what a receiver answers', () => {
  it.each([
    [204, {}, undefined, undefined],
    [500, {}, 'destination.unavailable', undefined],
    [503, { 'retry-after': '120' }, 'destination.unavailable', 120_000],
    [429, { 'retry-after': '999999' }, 'destination.unavailable', 3_600_000],
    [429, { 'retry-after': 'Sat, 21 Nov 2026 12:01:00 GMT' }, 'destination.unavailable', 60_000],
    [429, { 'retry-after': '-5' }, 'destination.unavailable', undefined],
    [408, {}, 'destination.unavailable', undefined],
    [400, {}, 'destination.refused', undefined],
    [401, {}, 'destination.refused', undefined],
    [404, {}, 'destination.refused', undefined],
    [410, {}, 'destination.gone', undefined],
  ])('%i %o is %s', async (status, headers, code, retryAfterMs) => {
    answer = { status, headers: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)])) };
    const { delivery } = await send({ now: () => new Date('2026-11-21T12:00:00Z') });
    if (code === undefined) expect(delivery).toEqual({ kind: 'delivered' });
    else expect(delivery).toMatchObject({ kind: 'failed', error: { code, retryAfterMs } });
  });

  it('with a redirect is a refusal, and nobody follows it', async () => {
    answer = { status: 307, headers: { location: `${url}&again` } };
    const { delivery } = await send();
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.refused' } });
    expect(got).toHaveLength(1);
  });

  it('never, is tried later', async () => {
    answer = { status: 0 };
    const { delivery } = await send({ deadlineMs: 50 });
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.unavailable' } });
  });

  it('without end, is given up', async () => {
    answer = { status: 500, body: 'x'.repeat(3_000_000) };
    const { delivery } = await send();
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.unavailable' } });
  });
});

describe('where a web hook may go', () => {
  it.each([
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00::1]/x',
    'https://10.0.0.1/x',
    'https://0x7f000001/x',
    'https://metadata.google.internal/x',
    'https://intranet/x',
    'http://hook.example/x',
    'https://hook.example:22/x',
  ])('not to %s', async (to) => {
    const { delivery } = await send({ allowLoopback: false }, to);
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.refused' } });
    expect(got).toEqual([]);
  });

  it.each(['10.1.2.3', '169.254.169.254', '127.0.0.1', 'fd00::1', '::ffff:10.0.0.1'])(
    'not to a name that leads to %s when the connection is made',
    async (address) => {
      const lookup = publicLookup((_, callback) =>
        callback(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
      );
      const { delivery } = await send({ allowLoopback: false, lookup }, 'https://rebound.example/x');
      expect(delivery).toMatchObject({
        kind: 'failed',
        error: {
          code: 'destination.refused',
          message: expect.stringContaining('leads to an address that is not of the public Internet'),
        },
      });
    },
  );

  it('nowhere unsigned: without a secret, or with one that is none', async () => {
    for (const secrets of [[], ['whsec_'], ['whsec_!!!'], [SECRET, 'whsec_']]) {
      const { delivery } = await send({ secrets: async () => secrets });
      expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.refused' } });
      expect(got).toEqual([]);
    }
  });

  it('later, when its secret cannot be read now', async () => {
    const { delivery } = await send({ secrets: () => Promise.reject(new Error('SSM is away')) });
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'destination.unavailable' } });
  });
});
