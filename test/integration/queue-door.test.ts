/** The queue door on real SQS: events as messages, whoever puts them there, and what nobody understands. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventMessageContext, receiveMessage } from '../../lib/door/event-message.ts';
import { EventRecord } from '../../lib/events/event-record.ts';
import { queueHandler } from '../../lib/queues/consume.ts';
import { messageText } from '../../lib/queues/message-text.ts';
import { recordsQueue } from '../../lib/queues/records-queue.ts';
import { runsQueue } from '../../lib/queues/runs-queue.ts';
import { wakeUpQueue } from '../../lib/queues/wake-up-queue.ts';
import { RunRequest } from '../../lib/runs/run-request.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext } from '../fixtures/http-events.ts';
import { NOW, samplesOf } from '../fixtures/signed-requests.ts';
import { type LocalSqs, startSqs, text } from '../fixtures/sqs.ts';
import { DEFAULT_RULES } from '../fixtures/webhook-door.ts';

let sqs: LocalSqs;
beforeAll(async () => {
  sqs = await startSqs();
});
afterAll(() => sqs.stop());

function aQueueDoor(given: Partial<EventMessageContext> = {}) {
  const events = sqs.makeQueue('events');
  const eventsDlq = sqs.makeQueue('events-dlq');
  const runs = sqs.makeQueue('runs');
  const records = sqs.makeQueue('records');
  const wakeUps = sqs.makeQueue('wake-up');
  const now = () => NOW;
  const log = capturedLog();
  const context: EventMessageContext = {
    ruleSet: DEFAULT_RULES,
    runsQueue: runsQueue(sqs.client, runs),
    recordsQueue: recordsQueue(sqs.client, records),
    wakeUps: wakeUpQueue(sqs.client, wakeUps, now),
    chat: { status: async () => undefined, recent: async () => [] },
    sources: SOURCES,
    log,
    now,
    ...given,
  };
  const handler = queueHandler({
    client: sqs.client,
    queueUrl: events,
    deadLetterUrl: eventsDlq,
    log,
    handle: (record) => receiveMessage(record, context),
  });
  return {
    lines: log.lines,
    /** Puts the messages on the queue and has them delivered. */
    take: async (...messages: [body: string, attributes?: Record<string, string>][]) => {
      for (const [body, attributes = {}] of messages) {
        const given = Object.entries(attributes).map(([name, value]) => [name, text(value)] as const);
        await sqs.send(events, body, Object.fromEntries(given));
      }
      return await sqs.deliver(events, (event) => handler(event, aLambdaContext()));
    },
    runs: () => sqs.messagesIn(runs).map(({ body }) => RunRequest.parse(JSON.parse(body))),
    records: () => sqs.messagesIn(records).map(({ body }) => EventRecord.parse(JSON.parse(body))),
    wakeUps: () => sqs.messagesIn(wakeUps).map(({ body }) => JSON.parse(body)),
    setAside: () => sqs.messagesIn(eventsDlq),
    left: () => sqs.messagesIn(events),
  };
}

/** As JSON, with what the local SQS does not take as escapes. */
const sample = (file: string) =>
  messageText(JSON.parse(readFileSync(new URL(`../../events/${file}`, import.meta.url), 'utf8')));

describe('a message that says by itself what it is', () => {
  it.each([
    ['a CloudWatch alarm of EventBridge', 'cloudwatch.json', 'announce-alert'],
    ['a CloudEvent', 'cloudevents.json', 'note-any-event'],
    ['a notification of Alertmanager', 'alertmanager.json', 'restart-web-on-5xx'],
    ['an alarm through SNS', 'sns.json', 'announce-alert'],
  ])('starts runs: %s', async (_, file, rule) => {
    const door = aQueueDoor();
    expect(await door.take([sample(file)])).toEqual({ batchItemFailures: [] });
    expect(door.runs().map((run) => run.rule)).toEqual([rule]);
    expect(door.records().flatMap(({ matched }) => matched.map((match) => match.rule))).toEqual([rule]);
    expect(door.left()).toEqual([]);
  });

  it('wakes the poller when it is a provider’s news', async () => {
    const door = aQueueDoor();
    await door.take([sample('cloud-assistant.json')]);
    expect(door.wakeUps()).toEqual([
      {
        version: 1,
        at: NOW.toISOString(),
        news: [{ provider: 'alibaba', invocationId: 't-hz0localexample1' }],
      },
    ]);
  });

  it('is done when it is understood and nothing to match', async () => {
    const door = aQueueDoor();
    const alarm = JSON.parse(sample('cloudwatch.json'));
    alarm.detail.state.value = 'INSUFFICIENT_DATA';
    await door.take([JSON.stringify(alarm)]);
    expect([door.left(), door.runs(), door.setAside()]).toEqual([[], [], []]);
    expect(door.lines.map(({ event, facts }) => [event, facts['because']])).toEqual([
      ['event.ignored', 'the alarm’s state INSUFFICIENT_DATA is neither ALARM nor OK'],
    ]);
  });
});

describe('the attribute `source`', () => {
  it.each([...SOURCES.keys()].flatMap((name) => samplesOf(name)).map(({ file, source }) => [file, source]))(
    'has %s read by %s, and its events decided',
    async (file, source) => {
      const door = aQueueDoor();
      expect(await door.take([sample(file), { source }])).toEqual({ batchItemFailures: [] });
      expect(door.setAside()).toEqual([]);
      const decided = door.lines.filter(({ event }) => event === 'event.decided');
      expect(new Set(decided.map(({ facts }) => facts['source']))).toEqual(new Set([source]));
    },
  );

  it('counts, and not what the message looks like', async () => {
    const door = aQueueDoor();
    await door.take([sample('cloudwatch.json'), { source: 'generic' }]);
    expect(door.runs().map(({ rule, trigger }) => [rule, trigger.source])).toEqual([
      ['note-any-event', 'generic'],
    ]);
  });
});

describe('a trace', () => {
  const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it.each([
    [TRACE, TRACE],
    ['none', undefined],
  ])('in the attribute traceparent is carried where it is one: %s', async (traceparent, expected) => {
    const door = aQueueDoor();
    await door.take([sample('alertmanager.json'), { traceparent }]);
    expect(door.runs().map((run) => run.traceparent)).toEqual([expected]);
  });
});

describe('a message that nobody understands', () => {
  it.each<[string, string, Record<string, string>, string, RegExp]>([
    [
      'of another system',
      '{"hello":"world"}',
      {},
      'event.unrecognised',
      /^No source recognises .*redrive it/,
    ],
    ['that is no JSON', 'hello', {}, 'body.json', /must be JSON/],
    ['that is nested too deep', '['.repeat(500) + ']'.repeat(500), {}, 'body.depth', /deeper than 100/],
    [
      'of an unknown source',
      '{"hello":"world"}',
      { source: 'zabix' },
      'event.unrecognised',
      /attribute source is "zabix", and the sources are .*zabbix/,
    ],
    [
      'of a source called like a method',
      '{}',
      { source: 'constructor' },
      'event.unrecognised',
      /"constructor"/,
    ],
    [
      'that is not its source’s',
      '["hunter2"]',
      { source: 'pagerduty' },
      'body.invalid',
      /payload of pagerduty/,
    ],
  ])('%s is set aside with the reason, whole', async (_, body, attributes, reason, explanation) => {
    const door = aQueueDoor();
    expect(await door.take([body, attributes])).toEqual({ batchItemFailures: [] });
    expect(door.setAside()).toEqual([
      {
        body,
        attributes: {
          ...attributes,
          reason,
          explanation: expect.stringMatching(explanation),
          originalMessageId: expect.any(String),
        },
      },
    ]);
    expect([door.left(), door.runs()]).toEqual([[], []]);
    expect(JSON.stringify([door.lines, door.setAside()[0]?.attributes])).not.toContain('hunter2');
  });

  it('because two sources claim it is set aside too', async () => {
    const cloudwatch = SOURCES.get('cloudwatch');
    if (cloudwatch === undefined) throw new Error('cloudwatch');
    const twin = { ...cloudwatch, name: 'twin' };
    const door = aQueueDoor({ sources: new Map([...SOURCES, ['twin', twin]]) });
    await door.take([sample('cloudwatch.json')]);
    expect(door.setAside().map(({ attributes }) => attributes['explanation'])).toEqual([
      'cloudwatch and twin both recognise the message. Give it the message attribute source, then redrive it.',
    ]);
  });
});

describe('a batch', () => {
  it('is taken message by message', async () => {
    const door = aQueueDoor();
    const answer = await door.take(
      [sample('cloudwatch.json')],
      ['{"hello":"world"}'],
      [sample('cloudevents.json')],
    );
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(
      door
        .runs()
        .map(({ rule }) => rule)
        .toSorted(),
    ).toEqual(['announce-alert', 'note-any-event']);
    expect(door.setAside().map(({ body }) => body)).toEqual(['{"hello":"world"}']);
  });

  it('stays on the queue as far as its runs could not be put on theirs', async () => {
    const door = aQueueDoor({ runsQueue: runsQueue(sqs.client, `${sqs.makeQueue('x')}-that-is-not-there`) });
    const answer = await door.take([sample('cloudwatch.json')], ['{"hello":"world"}']);
    expect(answer.batchItemFailures).toHaveLength(1);
    expect(door.left().map(({ body }) => body)).toEqual([sample('cloudwatch.json')]);
    expect(
      door.lines.filter(({ event }) => event === 'message.failed').map(({ facts }) => facts['code']),
    ).toEqual(['queue.unavailable']);
  });
});
