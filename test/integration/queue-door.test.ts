/** The queue door on real SQS: events as messages, whoever puts them there, and what nobody understands. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redriveQueue } from '../../bin/commands/redrive/redrive-queue.ts';
import { EventRecord } from '../../lib/model/decision.ts';
import { RunRequest } from '../../lib/model/run-request.ts';
import { queueHandler } from '../../lib/queues/consume.ts';
import { messageText } from '../../lib/queues/message-text.ts';
import { recordsQueue } from '../../lib/queues/records-queue.ts';
import { runsQueue } from '../../lib/queues/runs-queue.ts';
import { wakeUpQueue } from '../../lib/queues/wake-up-queue.ts';
import type { RuleSet } from '../../lib/rules/rule.ts';
import { type EventMessageContext, receiveMessage } from '../../lib/sources/event-message.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { requestOfMessage } from '../../lib/sources/source.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext } from '../fixtures/http-events.ts';
import { NO_CHAT } from '../fixtures/no-chat.ts';
import { rememberedContents } from '../fixtures/remembered-contents.ts';
import { NOW, samplesOf } from '../fixtures/signed-requests.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { type LocalSqs, startSqs, text } from '../fixtures/sqs.ts';
import { DEFAULT_RULES, withSettings } from '../fixtures/webhook-door.ts';

let sqs: LocalSqs;
beforeAll(async () => {
  sqs = await startSqs();
});
afterAll(() => sqs.stop());

/** As JSON, with what the local SQS does not take as escapes. */
const sample = (file: string) =>
  messageText(JSON.parse(readFileSync(new URL(`../../events/${file}`, import.meta.url), 'utf8')));

const DAY_MS = 86_400_000;

/** Imported before: what comes at once is decided in its order. */
const LOADED = new Map([...SOURCES].map(([name, source]) => [name, async () => source]));

function aQueueDoor({
  ruleSet = DEFAULT_RULES,
  ...given
}: Partial<EventMessageContext> & { ruleSet?: RuleSet } = {}) {
  const { name: queue, url: events, deadLetterUrl: eventsDlq } = sqs.makePair('events');
  const runs = sqs.makeQueue('runs');
  const records = sqs.makeQueue('records');
  const wakeUps = sqs.makeQueue('wake-up');
  const now = () => NOW;
  const log = capturedLog();
  const context: EventMessageContext = {
    rules: async () => ruleSet,
    runsQueue: runsQueue(sqs.client, runs),
    recordsQueue: recordsQueue(sqs.client, records),
    wakeUps: wakeUpQueue(sqs.client, wakeUps, now),
    contents: rememberedContents(),
    chat: NO_CHAT,
    sources: LOADED,
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
    runs: () =>
      messagesOf(runs)
        .filter((body) => !isRecord(body))
        .map((body) => RunRequest.parse(body)),
    /** Of events that started a run, and of the others. */
    records: () =>
      [...messagesOf(runs).filter(isRecord), ...messagesOf(records)].map((body) => EventRecord.parse(body)),
    wakeUps: () => sqs.messagesIn(wakeUps).map(({ body }) => JSON.parse(body)),
    setAside: () => sqs.messagesIn(eventsDlq),
    /** As `fleet-reflex redrive events` does it. */
    redrive: async () =>
      await redriveQueue({ client: sqs.client, queue, limit: 10, isDryRun: false, onMessage: () => {} }),
    left: () => sqs.messagesIn(events),
  };
}

/** Every sample, by whether a person typed what is in it. */
const ALL_SAMPLES = [...SOURCES.values()].flatMap((source) =>
  samplesOf(source.name).map(({ file }) => {
    const settings = DEFAULT_RULES.sources[source.name] ?? settingsOf(source);
    const made = source.receiveMessage(requestOfMessage(sample(file)), { secrets: [''], now: NOW, settings });
    const isOfPeople = made.kind === 'events' && made.events.some(({ kind }) => kind === 'chat');
    return { file, source: source.name, isOfPeople };
  }),
);
const filesWhere = (isOfPeople: boolean) =>
  ALL_SAMPLES.filter((it) => it.isOfPeople === isOfPeople).map(({ file, source }) => [file, source] as const);
const OF_SYSTEMS = filesWhere(false);
const OF_PEOPLE = filesWhere(true);

function messagesOf(queueUrl: string): unknown[] {
  return sqs.messagesIn(queueUrl).map(({ body }): unknown => JSON.parse(body));
}

function isRecord(body: unknown): boolean {
  return EventRecord.safeParse(body).success;
}

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
  it.each(OF_SYSTEMS)('has %s read by %s, and its events decided', async (file, source) => {
    const door = aQueueDoor();
    expect(await door.take([sample(file), { source }])).toEqual({ batchItemFailures: [] });
    expect(door.setAside()).toEqual([]);
    const decided = door.lines.filter(({ event }) => event === 'event.decided');
    expect(new Set(decided.map(({ facts }) => facts['source']))).toEqual(new Set([source]));
  });

  it('does not make an account of a name: what its queue lets in is a system’s word', async () => {
    const door = aQueueDoor();
    await door.take([sample('github.deployment.json'), { source: 'github' }]);
    expect(door.runs().map(({ trigger }) => trigger.actor)).toEqual([
      { name: 'Codertocat', source: 'github' },
    ]);
  });

  it('counts, and not what the message looks like', async () => {
    const door = aQueueDoor();
    await door.take([sample('cloudwatch.json'), { source: 'generic' }]);
    expect(door.runs().map(({ rule, trigger }) => [rule, trigger.source])).toEqual([
      ['note-any-event', 'generic'],
    ]);
  });
});

describe('what people say', () => {
  it('is in samples of every chat and of the code hosts whose comments are commands', () => {
    const chats = [...SOURCES.values()].filter(({ kinds }) => kinds.includes('chat')).map(({ name }) => name);
    const untested = chats.filter((name) => !OF_PEOPLE.some(([, source]) => source === name));
    // The samples of Gitea and Forgejo have no comment: theirs is GitHub's.
    expect(untested).toEqual(['forgejo', 'gitea']);
  });

  it.each([
    ...OF_PEOPLE,
    ['github.issue_comment.json', 'gitea'] as const,
    ['github.issue_comment.json', 'forgejo'] as const,
  ])('never comes by the queue: %s as %s', async (file, source) => {
    const sources = {
      ...DEFAULT_RULES.sources,
      gitea: settingsOf('gitea', { commenters: ['*'] }),
      forgejo: settingsOf('forgejo', { commenters: ['*'] }),
    };
    const door = aQueueDoor({ ruleSet: { ...DEFAULT_RULES, sources } });
    expect(await door.take([sample(file), { source }])).toEqual({ batchItemFailures: [] });
    expect([door.runs(), door.records(), door.left()]).toEqual([[], [], []]);
    expect(door.setAside()).toEqual([
      {
        body: sample(file),
        attributes: {
          source,
          reason: 'queue.person',
          explanation: expect.any(String),
          originalMessageId: expect.any(String),
          firstSentTimestamp: expect.any(String),
        },
      },
    ]);
    expect(door.lines.map(({ event, facts }) => [event, facts['code']])).toEqual([
      ['message.held', 'queue.person'],
    ]);
  });

  it('does not come by it where a source knows its messages by itself', async () => {
    const slack = SOURCES.get('slack');
    if (slack === undefined) throw new Error('slack');
    const door = aQueueDoor({
      sources: new Map([['slack', async () => ({ ...slack, recognises: () => true })]]),
    });
    await door.take([sample('slack.json')]);
    expect([door.runs(), door.setAside().map(({ attributes }) => attributes['reason'])]).toEqual([
      [],
      ['queue.person'],
    ]);
  });

  it('is a fact like any other when it is wrapped: of the envelope’s kind, and nobody’s command', async () => {
    const chat: unknown = JSON.parse(sample('slack.json'));
    const rules = withSettings(
      `version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - name: by-people
    on: [slack, cloudevents, fleet-reflex, generic]
    allow: { users: ['*'] }
    when: event.kind == 'chat'
    run: { provider: tencent, command: cmd-1, instances: ins-1 }
`,
    );
    const door = aQueueDoor({ ruleSet: rules });
    const envelope = { specversion: '1.0', id: 'e-1', source: '/slack', type: 'chat.command', kind: 'chat' };
    await door.take(
      [JSON.stringify({ ...envelope, data: chat })],
      [
        JSON.stringify({
          ...envelope,
          type: 'fleet-reflex.chat.command',
          data: { ...Object(chat), kind: 'chat', runId: 'r', rule: 'r', status: 's' },
        }),
      ],
      [JSON.stringify({ ...Object(chat), kind: 'chat', type: 'chat.command' }), { source: 'generic' }],
    );
    expect(door.runs()).toEqual([]);
    // They are taken side by side.
    expect(door.records().map(({ type }) => type)).toEqual(
      expect.arrayContaining(['completion.chat.command', 'generic.chat.command', 'generic.received']),
    );
    expect(door.records()).toHaveLength(3);
  });

  it('is refused again when it is redriven', async () => {
    const door = aQueueDoor();
    await door.take([sample('slack.json'), { source: 'slack' }]);
    expect(await door.redrive()).toMatchObject({ count: 1, cameBack: 0, failures: [] });
    expect(door.left().map(({ body }) => body)).toEqual([sample('slack.json')]);
    await door.take();
    expect([door.runs(), door.setAside().map(({ attributes }) => attributes['reason'])]).toEqual([
      [],
      ['queue.person'],
    ]);
  });
});

describe('a message that lay on a queue for days', () => {
  /** The clock of SQS is the machine's; ours is three days later. */
  const threeDaysLater = () => new Date(Date.now() + 3 * DAY_MS);
  /** What is older than the service remembers is refused. */
  const alertOfToday = () =>
    sample('alertmanager.json').replaceAll('2026-11-20', new Date().toISOString().slice(0, 10));
  const agesOf = (door: ReturnType<typeof aQueueDoor>) =>
    door.runs().map((run) => ({
      days: Math.round((threeDaysLater().getTime() - Date.parse(run.requestedAt)) / DAY_MS),
      deadlineMs: run.action === 'run' ? Date.parse(run.deadline) - Date.parse(run.requestedAt) : 0,
    }));

  it('asks for a run whose deadline counts from when it was sent', async () => {
    const door = aQueueDoor({ now: threeDaysLater });
    await door.take([alertOfToday()]);
    expect(agesOf(door)).toEqual([{ days: 3, deadlineMs: 15 * 60_000 }]);
  });

  it('stays as old as it is when it is set aside and redriven', async () => {
    let isClosed = true;
    const ruleSet = { ...DEFAULT_RULES };
    Object.defineProperty(ruleSet, 'sources', {
      get: () =>
        isClosed
          ? { ...DEFAULT_RULES.sources, alertmanager: settingsOf('alertmanager', { queue: false }) }
          : DEFAULT_RULES.sources,
    });
    const door = aQueueDoor({ ruleSet, now: threeDaysLater });
    await door.take([alertOfToday(), { firstSentTimestamp: String(Date.now() - 2 * DAY_MS) }]);
    isClosed = false;
    expect(await door.redrive()).toMatchObject({ count: 1, cameBack: 0, failures: [] });
    await door.take();
    expect(agesOf(door)).toEqual([{ days: 5, deadlineMs: 15 * 60_000 }]);
  });

  it.each([
    ['later than it was', () => String(Date.now() + 3 * DAY_MS)],
    ['at no time', () => 'now'],
  ])('is not younger when its sender says that it was sent %s', async (_, said) => {
    const door = aQueueDoor({ now: threeDaysLater });
    await door.take([alertOfToday(), { firstSentTimestamp: said() }]);
    expect(agesOf(door)).toEqual([{ days: 3, deadlineMs: 15 * 60_000 }]);
  });
});

describe('a source whose queue is closed', () => {
  const closed = {
    ...DEFAULT_RULES,
    sources: { ...DEFAULT_RULES.sources, alertmanager: settingsOf('alertmanager', { queue: false }) },
  };

  it.each([
    ['named by the attribute', { source: 'alertmanager' }],
    ['that knows its message by itself', {}],
  ])('%s is refused there, with the reason', async (_, attributes) => {
    const door = aQueueDoor({ ruleSet: closed });
    await door.take([sample('alertmanager.json'), attributes]);
    expect([door.runs(), door.records()]).toEqual([[], []]);
    expect(door.setAside().map((it) => [it.attributes['reason'], it.attributes['explanation']])).toEqual([
      ['queue.closed', expect.stringContaining('alertmanager')],
    ]);
  });

  it('delays no other message', async () => {
    const door = aQueueDoor({ ruleSet: closed });
    await door.take([sample('cloudwatch.json')]);
    expect(door.runs().map(({ rule }) => rule)).toEqual(['announce-alert']);
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

describe('an unreadable message', () => {
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
          firstSentTimestamp: expect.any(String),
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
    const door = aQueueDoor({ sources: new Map([...LOADED, ['twin', async () => twin]]) });
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
