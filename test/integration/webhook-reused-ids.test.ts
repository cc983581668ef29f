/** An id that a sender chooses, used for two events: the later one is never taken for the first. */

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../lib/sources/shared/content-hash.ts';
import { dynamoContents } from '../../lib/store/dynamodb-contents.ts';
import { anHttpEvent, eventOf } from '../fixtures/http-events.ts';
import { rememberedContents } from '../fixtures/remembered-contents.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { encodeSample, NOW, samplesOf, signedRequest } from '../fixtures/signed-requests.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { fieldsOf, within } from '../fixtures/typed-in-chats.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

type Fields = Record<string, unknown>;

const RULES = withSettings(`
version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
${['cloudevents', 'standard-webhooks', 'generic']
  .map(
    (on) =>
      `  - { name: on-${on}, on: ${on}, when: "event.source != ''", run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
  )
  .join('\n')}
`);
const SIGNING = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const TOKEN = 'the-token';

function signed(source: string, id: string, content: unknown) {
  const body = JSON.stringify(content);
  const timestamp = String(NOW.getTime() / 1000);
  const signature = createHmac('sha256', Buffer.alloc(32, 7))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  return anHttpEvent({
    source,
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  });
}

const withToken = (source: string, content: unknown) =>
  anHttpEvent({
    source,
    body: JSON.stringify(content),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
  });

const cloudEvent = (data: unknown, more: Record<string, unknown> = {}) => ({
  specversion: '1.0',
  id: 'order-7',
  source: '/shop',
  type: 'paid',
  data,
  ...more,
});

/** @param secret of every source */
function aShop(secret: string, given: Parameters<typeof aDoor>[0] = {}) {
  const door = aDoor({
    ruleSet: RULES,
    secrets: async () => [secret],
    contents: rememberedContents(),
    ...given,
  });
  const send = async (event: ReturnType<typeof anHttpEvent>) => {
    const answer = await door.receive(event);
    const { matched, notes = [] } = JSON.parse(answer.body);
    return { status: answer.statusCode, runId: matched[0].runId, rejected: matched[0].rejected, notes };
  };
  return { ...door, send };
}

describe.each([
  ['standard-webhooks', (data: unknown) => signed('standard-webhooks', 'order-7', { type: 'paid', data })],
  ['cloudevents', (data: unknown) => signed('cloudevents', 'any', cloudEvent(data))],
])('an id that is used again by a sender who signs: %s', (_, event) => {
  it('is an event of its own: both run, and the answer and the record say so', async () => {
    const shop = aShop(SIGNING);
    const first = await shop.send(event({ amount: 1 }));
    const second = await shop.send(event({ amount: 2 }));
    expect(first.notes).toEqual([]);
    expect(second).toMatchObject({ status: 202, rejected: undefined, notes: [{ code: 'event.id-reused' }] });
    expect(second.runId).not.toBe(first.runId);
    expect(shop.sent.map(({ action, runId }) => [action, runId])).toEqual([
      ['run', first.runId],
      ['run', second.runId],
    ]);
    expect(shop.records).toMatchObject([{ matched: [{}] }, { notes: [{ code: 'event.id-reused' }] }]);
    expect(new Set(shop.records.map(({ eventId }) => eventId)).size).toBe(2);
  });

  it('is one run when it is sent again: of the first, and of the second', async () => {
    const shop = aShop(SIGNING);
    const ids = [];
    for (const amount of [1, 2, 1, 2, 2, 1]) ids.push((await shop.send(event({ amount }))).runId);
    const [first, second] = ids;
    expect(ids).toEqual([first, second, first, second, second, first]);
  });

  it('is one run where the retry says when it is sent, or has its keys in another order', async () => {
    const shop = aShop(SIGNING);
    const first = await shop.send(event({ amount: 1, to: 'a', sentAt: 'Monday', 'retry-count': 0 }));
    const again = await shop.send(event({ 'retry-count': 1, to: 'a', amount: 1, sentAt: 'Tuesday' }));
    expect(again).toEqual(first);
  });
});

describe.each([
  ['cloudevents', (data: unknown) => withToken('cloudevents', cloudEvent(data))],
  ['generic', (data: unknown) => withToken('generic', { id: 'order-7', data })],
])('an id that is used again where a token is the proof: %s', (source, event) => {
  const settings = { sources: { ...RULES.sources, generic: settingsOf('generic', { id: 'body.id' }) } };

  it('is rejected, and the answer, the record and a rejection say so', async () => {
    const shop = aShop(TOKEN, { ruleSet: { ...RULES, ...settings } });
    const first = await shop.send(event({ amount: 1 }));
    const second = await shop.send(event({ amount: 2 }));
    expect(second).toMatchObject({ status: 202, notes: [{ code: 'event.id-reused' }] });
    expect(second.rejected).toEqual(expect.any(String));
    expect(shop.sent).toMatchObject([
      { action: 'run', runId: first.runId },
      { action: 'reject', runId: second.runId, rule: `on-${source}`, reason: { code: 'event.id-reused' } },
    ]);
    expect(shop.records[1]).toMatchObject({ notes: [{ code: 'event.id-reused' }] });
    expect(await shop.send(event({ amount: 1 }))).toEqual(first);
  });
});

it('the run of a reused id is of no id that a sender can choose', async () => {
  const spied = aShop(SIGNING);
  const event = (id: string, amount: number) =>
    signed('standard-webhooks', id, { type: 'paid', data: { amount } });
  await spied.send(event('order-7', 1));
  await spied.send(event('order-7', 2));
  const derived = spied.records[1]?.eventId ?? '';
  const shop = aShop(SIGNING);
  const occupied = [await shop.send(event(derived, 2)), await shop.send(event('order-7', 1))];
  const real = await shop.send(event('order-7', 2));
  expect(occupied.map(({ runId }) => runId)).not.toContain(real.runId);
});

/** Those whose events have ids of their own, which are made of nothing that is told, and that nothing signs. */
const CHOSEN: readonly (readonly [string, string, (value: Fields) => Fields])[] = [
  [
    'harbor',
    'cloudevents',
    (value) => within(value, 'data', { resources: [{ digest: 'sha256:0', tag: 'v0' }] }),
  ],
  ['cloud-assistant', '', (value) => within(value, 'data', { instanceId: 'i-other' })],
  ['cloudwatch', '', (value) => within(value, 'detail', { alarmName: 'another' })],
  ['fleet-reflex', '', (value) => within(value, 'data', { status: 'failed' })],
];

it.each(CHOSEN)('the id of a %s event cannot be occupied', async (source, variant, other) => {
  const door = aDoor({
    ruleSet: withSettings(
      `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - { name: any, on: ${source}, when: "event.source != ''", run: { provider: tencent, command: cmd-1, instances: ins-1 } }\n`,
    ),
    contents: rememberedContents(),
  });
  const sample = samplesOf(source).find((it) => it.variant === variant);
  if (sample === undefined) throw new Error(`${source} has no sample`);
  const real = fieldsOf(sample.value);
  const send = async (value: Fields) => {
    const encoded = encodeSample({ ...sample, value });
    const { body } = await door.receive(eventOf(source, signedRequest(source, { ...encoded, variant })));
    return JSON.parse(body);
  };
  expect(await send(other(real))).not.toHaveProperty('notes');
  expect(await send(real)).toMatchObject({ notes: [{ code: 'event.id-reused' }] });
  // Sent again it is the same: only what comes under an id of its own runs.
  expect(await send(other(real))).not.toHaveProperty('notes');
  expect(door.sent.map(({ action }) => action)).toEqual(['run', 'reject', 'run']);
});

it('what a transport writes into a CloudEvent does not make it another', async () => {
  const shop = aShop(TOKEN);
  const first = await shop.send(withToken('cloudevents', cloudEvent({ amount: 1 })));
  const more = { time: NOW.toISOString(), knativearrivaltime: 'now', traceparent: '00-1' };
  expect(await shop.send(withToken('cloudevents', cloudEvent({ amount: 1 }, more)))).toEqual(first);
});

it('a table that does not answer lets events in as if there were no such check', async () => {
  const contents = { claim: () => Promise.reject(new Error('down')) };
  const shop = aShop(TOKEN, { contents });
  expect(await shop.send(withToken('cloudevents', cloudEvent({ amount: 1 })))).toMatchObject({
    status: 202,
    notes: [],
  });
  expect(shop.lines.map(({ event }) => event)).toContain('event.id-unchecked');
});

describe('what an event says', () => {
  it.each([
    [{ a: 1, b: [{ c: 2, d: null }] }, { b: [{ d: null, c: 2 }], a: 1 }, true],
    [{ a: 1 }, { a: 1, sent_at: 'x', attempt: 3 }, true],
    [{ data: { a: 1, sentAt: 1 } }, { data: { a: 1, sentAt: 2 } }, true],
    [{ a: { b: { c: { attempt: 1 } } } }, { a: { b: { c: { attempt: 2 } } } }, false],
    [{ a: 1 }, { a: '1' }, false],
    [[1, 2], [2, 1], false],
    [{ a: [] }, { a: {} }, false],
    [{ a: 1 }, { a: 1, b: null }, false],
  ])('%j and %j are the same: %s', (one, other, isSame) => {
    expect(contentHash(one) === contentHash(other)).toBe(isSame);
  });
});

describe('the first content of a run, on the table,', () => {
  let table: Awaited<ReturnType<typeof startRunsTable>>;
  beforeAll(async () => {
    table = await startRunsTable();
  });
  afterAll(() => table.stop());

  it('stands, however many ask at once', async () => {
    const contents = dynamoContents(table);
    const claims = await Promise.all(['a', 'b', 'a', 'b'].map((hash) => contents.claim('run-1', hash, NOW)));
    expect(claims.toSorted()).toEqual(['ours', 'ours', 'taken', 'taken']);
    expect(claims[0]).toBe(claims[2]);
    expect(await contents.claim('run-2', 'b', NOW)).toBe('ours');
  });
});
