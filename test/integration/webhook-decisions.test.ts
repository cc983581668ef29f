/** What the HTTP door makes of events that it lets in: runs on the queue, an answer, and a record of every decision. */
import { readFileSync } from 'node:fs';
import { sign } from '@octokit/webhooks-methods';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { FleetReflexError } from '../../lib/errors.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { anHttpEvent, eventOf } from '../fixtures/http-events.ts';
import {
  type Sample,
  samplesOf,
  signedRequest,
  signedSample,
  signerOf,
} from '../fixtures/signed-requests.ts';
import { aDoor, type DoorGiven, ProblemBody, withSettings } from '../fixtures/webhook-door.ts';

const RULES_ON = 'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n';

function sampleOf(file: string): Sample {
  const [source = ''] = file.split('.', 1);
  const sample = samplesOf(source).find((it) => it.file === file);
  if (sample === undefined) throw new Error(`no sample ${file}`);
  return sample;
}

function sendSample(file: string, given: DoorGiven = {}, headers: Record<string, string> = {}) {
  const sample = sampleOf(file);
  const request = signedSample(sample);
  const door = aDoor(given);
  const event = eventOf(sample.source, request, { headers: { ...request.headers, ...headers } });
  return door.receive(event).then((answer) => ({ ...door, answer }));
}

/** A notification of Alertmanager with these alerts. */
function anAlertGroup(alerts: readonly Record<string, unknown>[]) {
  const value = { ...Object(sampleOf('alertmanager.json').value), alerts };
  const request = signedRequest('alertmanager', { body: Buffer.from(JSON.stringify(value)) });
  return eventOf('alertmanager', request);
}

const anAlert = (name: string, more: Record<string, unknown> = {}) => ({
  status: 'firing',
  labels: { alertname: name, instance_id: 'ins-local001' },
  annotations: {},
  startsAt: '2026-11-20T10:02:17.482Z',
  fingerprint: `f-${name}`,
  ...more,
});

/** The rule, its action and what stands for it in a line. */
function lineOf(request: RunRequest): string {
  switch (request.action) {
    case 'run':
      return `${request.rule}: ${request.target.instances.join(' ')}: ${Object.values(request.target.parameters).join(' ')}`;
    case 'cancel':
      return `${request.rule}: cancel ${request.targetRule} ${request.key ?? ''}`.trim();
    case 'schedule':
      return `${request.rule}: schedule`;
    case 'judge':
      return `${request.rule}: ${request.kind}`;
    case 'reject':
      return `${request.rule}: ${request.reason.code}`;
  }
}

describe('rules.yml', () => {
  it.each<[string, string[]]>([
    ['alertmanager.json', ['restart-web-on-5xx: ins-local001: restart:web']],
    ['alertmanager.resolved.json', ['stop-when-resolved: cancel restart-web-on-5xx 1aaabd2adb6c43a2']],
    ['cloudwatch.json', ['announce-alert: ins-local001: alert web-cpu-high severity unknown']],
    [
      'github.deployment.json',
      [
        'deploy-on-deployment: ins-local001 ins-local002: deploy Codertocat/Hello-World at f95f852bd8fca8fcc58a9a2d6c842781e32a215e to production',
      ],
    ],
    ['github.push.json', ['build-on-push: ins-local003: push Codertocat/Hello-World refs/heads/master']],
    ['slack.json', ['fleet-command: ins-local001: fleet patch web asked by U2CERLKJA']],
    ['generic.json', ['note-any-event: ins-local001: event:generic.received']],
    ['sentry.metric_alert.json', []],
  ])('makes of a signed %s what one expects', async (file, expected) => {
    const { sent } = await sendSample(file);
    expect(sent.map(lineOf)).toEqual(expected);
  });

  it('makes a run of each alert of a notification, and says so', async () => {
    const door = aDoor();
    const answer = await door.receive(
      anAlertGroup([
        anAlert('High5xx'),
        anAlert('DiskFull'),
        anAlert('High5xx', { status: 'resolved', fingerprint: 'f-2' }),
      ]),
    );
    expect(door.sent.map(lineOf)).toEqual([
      'restart-web-on-5xx: ins-local001: restart:web',
      'announce-alert: ins-local001: alert DiskFull severity unknown',
      'stop-when-resolved: cancel restart-web-on-5xx f-2',
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({
      matched: door.sent.map(({ rule, runId, trigger }) => ({ rule, runId, eventId: trigger.id })),
    });
  });
});

describe('an answer', () => {
  it('names the run of each rule that matched, and why the others did not', async () => {
    const { answer, sent } = await sendSample('alertmanager.json');
    const eventId = '1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/firing';
    const runId = runIdFor('restart-web-on-5xx', 'alertmanager', eventId);
    const because = expect.stringMatching(/.+/);
    expect({ ...answer, body: JSON.parse(answer.body) }).toEqual({
      statusCode: 202,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: {
        matched: [{ rule: 'restart-web-on-5xx', runId, eventId }],
        unmatched: ['restart-web-on-5xx-alibaba', 'stop-when-resolved', 'announce-alert'].map((rule) => ({
          rule,
          because,
          eventId,
        })),
      },
    });
    expect(sent.map((it) => it.runId)).toEqual([runId]);
  });

  describe('to an event that many rules leave alone', () => {
    const many = Array.from(
      { length: 2_000 },
      (_, index) =>
        `  - { name: r${index}, on: alertmanager, when: event.data.name == 'Alert${index}', run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
    );
    const ruleSet = withSettings(`${RULES_ON}${many.join('\n')}`);
    const reasons = (count: number, eventId: string) =>
      Array.from({ length: count }, (_, index) => ({
        rule: `r${index}`,
        because: `\`event.data.name == 'Alert${index}'\` is false`,
        eventId,
      }));
    const eventId = '1aaabd2adb6c43a2/2026-11-20T10:02:17.482Z/firing';

    it.each([
      ['that asks for nothing', undefined, 100, undefined],
      ['that wants little', 'return=minimal, wait=10', 100, undefined],
      ['that wants all', 'respond-async, Return="representation"; foo=1', 1_000, 'return=representation'],
    ])('%s: says of so many why', async (_, prefer, count, applied) => {
      const headers: Record<string, string> = prefer === undefined ? {} : { Prefer: prefer };
      const { answer, records, lines } = await sendSample('alertmanager.json', { ruleSet }, headers);
      expect(answer.headers['preference-applied']).toBe(applied);
      expect(JSON.parse(answer.body)).toEqual({
        matched: [],
        unmatched: reasons(count, eventId),
        omitted: { matched: 0, unmatched: 2_000 - count },
      });
      expect(records.map(({ unmatched, unmatchedOmitted }) => [unmatched, unmatchedOmitted])).toEqual([
        [reasons(100, eventId).map(({ rule, because }) => ({ rule, because })), 1_900],
      ]);
      expect(lines.map(({ facts }) => facts)).toMatchObject([{ unmatchedOmitted: 2_000 - count }]);
    });
  });

  it('is the same for the same delivery, and so is the run', async () => {
    const [first, again] = [await sendSample('alertmanager.json'), await sendSample('alertmanager.json')];
    expect(again.answer).toEqual(first.answer);
    expect(again.sent).toEqual(first.sent);
  });

  it('of a rule that matched and must not run says so, and the rejection is on the queue', async () => {
    const door = aDoor();
    const labels = { alertname: 'High5xx', instance_id: 'ins-local001', service: 'web; reboot' };
    const answer = await door.receive(anAlertGroup([anAlert('High5xx', { labels })]));
    expect(door.sent).toMatchObject([
      { action: 'reject', rule: 'restart-web-on-5xx', reason: { code: 'parameters.unsafe' } },
    ]);
    expect(JSON.parse(answer.body).matched).toEqual([
      {
        rule: 'restart-web-on-5xx',
        runId: door.sent[0]?.runId,
        rejected: expect.stringContaining('`text`'),
        eventId: door.sent[0]?.trigger.id,
      },
    ]);
  });

  it('of what is understood and nothing to match says why', async () => {
    const body = Buffer.from('{"zen":"Keep it logically awesome."}');
    const door = aDoor();
    const answer = await door.receive(eventOf('github', signedRequest('github', { body, variant: 'ping' })));
    expect({ status: answer.statusCode, body: JSON.parse(answer.body) }).toEqual({
      status: 202,
      body: { matched: [], unmatched: [], ignored: 'a ping: the hook is set up' },
    });
    expect(door.lines.map(({ event }) => event)).toEqual(['event.ignored']);
  });

  it('of a chat is in its own words', async () => {
    const { answer } = await sendSample('slack.json');
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } });
    expect(answer.body).toContain('fleet-command');
  });

  it('of a handshake is what the sender asked for, at once', async () => {
    const door = aDoor();
    const body = Buffer.from('{"type":"url_verification","challenge":"3eZbrw1aB"}');
    const answer = await door.receive(
      eventOf('slack', signedRequest('slack', { body, contentType: 'application/json' })),
    );
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toContain('3eZbrw1aB');
    expect(door.sent).toEqual([]);
    expect(door.lines).toMatchObject([{ event: 'request.answered', facts: { status: 200 } }]);
  });
});

describe('the record', () => {
  // Buttons that cancel or approve a run are verbs of the chat's own, which the rules are not asked about.
  const verbs = new Set(['discord.component.json', 'slack.action.json']);
  const files = [...SOURCES.keys()]
    .flatMap((name) => samplesOf(name))
    .map(({ file }) => file)
    .filter((file) => !verbs.has(file));
  it.each(files)('has every event of %s, with every rule on its source', async (file) => {
    const [source = ''] = file.split('.', 1);
    const rules = withSettings(`${RULES_ON}
  - { name: never, on: ${source}, when: 'event.id == ""'${ALLOW.has(source) ? ", allow: { users: ['*'] }" : ''}, run: { provider: tencent, command: cmd-1, instances: ins-1 } }
  - { name: always, on: ${source}, when: event.id != ""${ALLOW.has(source) ? ", allow: { users: ['*'] }" : ''}, run: { provider: tencent, command: cmd-1, instances: ins-1 } }`);
    const { sent, lines } = await sendSample(file, { ruleSet: rules });
    const decided = lines.filter(({ event }) => event === 'event.decided');
    expect(decided.length).toBeGreaterThan(0);
    for (const { facts, ids } of decided) {
      expect(ids).toEqual({ requestId: 'request-1', gatewayRequestId: 'gateway-request-1', source });
      const rulesOn = Decided.parse(facts);
      expect([...rulesOn.matched, ...rulesOn.unmatched].map(({ rule }) => rule).toSorted()).toEqual([
        'always',
        'never',
      ]);
    }
    const matched = decided.flatMap(({ facts }) => Decided.parse(facts).matched.map(({ runId }) => runId));
    expect(sent.map(({ runId }) => runId)).toEqual(matched);
  });

  it('says which clause of which rule said no', async () => {
    const { lines } = await sendSample('github.push.json');
    expect(lines.map(({ event, facts }) => [event, facts])).toEqual([
      [
        'event.decided',
        {
          source: 'github',
          eventId: expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
          deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
          type: 'deploy.push',
          subject: 'Codertocat/Hello-World',
          matched: [{ rule: 'build-on-push', runId: expect.stringMatching(/^run-/) }],
          unmatched: [
            {
              rule: 'deploy-on-deployment',
              because: expect.stringContaining("event.type == 'deploy.created'"),
            },
            { rule: 'fleet-command', because: "`event.kind == 'chat'` is false" },
            { rule: 'say', because: 'people run it by its name: `run say`' },
          ],
        },
      ],
    ]);
  });

  it('of an id of any length is short, and its run is rejected, not lost with its siblings', async () => {
    const door = aDoor();
    const long = 'x'.repeat(300_000);
    const answer = await door.receive(
      anAlertGroup([anAlert('High5xx', { fingerprint: long }), anAlert('DiskFull')]),
    );
    expect(answer.statusCode).toBe(202);
    expect(door.sent.map(lineOf)).toEqual([
      'restart-web-on-5xx: request.tooLarge',
      'announce-alert: ins-local001: alert DiskFull severity unknown',
    ]);
    expect(Buffer.byteLength(JSON.stringify(door.sent[0]))).toBeLessThan(4096);
    expect(JSON.stringify(door.lines).length).toBeLessThan(8192);
  });
});

/** Sources whose rules have to say who may. */
const ALLOW: ReadonlySet<string> = new Set(
  [...SOURCES.values()].filter(({ kinds }) => kinds.includes('chat')).map(({ name }) => name),
);

const Decided = z.looseObject({
  matched: z.array(z.looseObject({ rule: z.string(), runId: z.string() })),
  unmatched: z.array(z.strictObject({ rule: z.string(), because: z.string().min(1) })),
});

describe('a trace', () => {
  const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it.each([
    ['is carried', 'traceparent', TRACE, TRACE],
    ['is carried whatever the case of its header', 'TraceParent', TRACE, TRACE],
    ['that is none is left out', 'traceparent', 'x'.repeat(55), undefined],
    ['of zeros is left out', 'traceparent', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['of a later version is left out', 'traceparent', `01${TRACE.slice(2)}`, undefined],
  ])('%s', async (_, header, value, expected) => {
    const { sent } = await sendSample('alertmanager.json', {}, { [header]: value });
    expect(sent.map(({ traceparent }) => traceparent)).toEqual([expected]);
  });
});

describe('when the queue', () => {
  const unavailable = new FleetReflexError('queue.unavailable', 'arn:aws:sqs:us-east-1:1:runs is throttled', {
    disposition: 'retry',
  });

  it('does not take the runs, nothing is said to be done, and the sender is asked to come back', async () => {
    const told: unknown[] = [];
    const { answer, lines } = await sendSample('cloud-assistant.json', {
      ruleSet: withSettings(
        `${RULES_ON}  - { name: r, on: cloud-assistant, run: { provider: tencent, command: cmd-1, instances: ins-1 } }`,
      ),
      runsQueue: { send: () => Promise.reject(unavailable) },
      wakeUps: {
        async tell(news) {
          told.push(news);
        },
      },
    });
    const { status, type, detail } = ProblemBody.parse(JSON.parse(answer.body));
    expect({ status, type }).toEqual({ status: 503, type: 'urn:fleet-reflex:problem:queue.unavailable' });
    expect(answer).toMatchObject({
      statusCode: 503,
      headers: { 'retry-after': '5', 'content-type': 'application/problem+json' },
    });
    expect(detail).not.toContain('arn:');
    expect(lines.map(({ event }) => event)).toEqual(['request.failed']);
    expect(told).toEqual([]);
  });

  it('says when to come back, that is what the sender is told', async () => {
    const later = new FleetReflexError('queue.unavailable', 'later', {
      disposition: 'retry',
      retryAfterMs: 12_300,
    });
    const { answer } = await sendSample('alertmanager.json', {
      runsQueue: { send: () => Promise.reject(later) },
    });
    expect(answer.headers['retry-after']).toBe('13');
  });

  it('cannot be told of a provider’s news, the sender is asked to come back', async () => {
    const { answer } = await sendSample('cloud-assistant.json', {
      wakeUps: { tell: () => Promise.reject(unavailable) },
    });
    expect(answer.statusCode).toBe(503);
  });
});

describe('a provider’s word that a task has ended', () => {
  it('wakes the poller with the invocation', async () => {
    const { told, answer } = await sendSample('cloud-assistant.json');
    expect(answer.statusCode).toBe(202);
    expect(told).toEqual([{ provider: 'alibaba', invocationId: 't-hz0localexample1' }]);
  });

  it('also names the firing, where the command recurs', async () => {
    const event = z.looseObject({ data: z.looseObject({}) }).parse(sampleOf('cloud-assistant.json').value);
    const value = { ...event, data: { ...event.data, repeatMode: 'Period', repeats: '3' } };
    const body = Buffer.from(JSON.stringify(value));
    const door = aDoor();
    await door.receive(eventOf('cloud-assistant', signedRequest('cloud-assistant', { body })));
    expect(door.told.map(({ invocationId }) => invocationId)).toEqual([
      't-hz0localexample1',
      't-hz0localexample1#3',
    ]);
  });

  it('is the only one that does', async () => {
    const files = [...SOURCES.keys()]
      .filter((name) => name !== 'cloud-assistant')
      .flatMap((name) => samplesOf(name))
      .map(({ file }) => file);
    const told = await Promise.all(files.map(async (file) => (await sendSample(file)).told));
    expect(told.flat()).toEqual([]);
  });
});

const Examples = z.array(
  z.object({ name: z.string(), examples: z.array(z.record(z.string(), z.unknown())) }),
);

describe('every payload of @octokit/webhooks-examples', () => {
  const file = '../../node_modules/@octokit/webhooks-examples/api.github.com/index.json';
  const examples = Examples.parse(JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')));
  const [secret] = signerOf('github').secrets;

  it.each(examples.map(({ name, examples: bodies }) => [name, bodies] as const))(
    '%s, signed by GitHub’s own library, is taken',
    async (name, bodies) => {
      const door = aDoor();
      for (const [index, value] of bodies.entries()) {
        const body = JSON.stringify(value);
        const answer = await door.receive(
          anHttpEvent({
            source: 'github',
            headers: {
              'content-type': 'application/json',
              'x-github-event': name,
              'x-github-delivery': `d-${index}`,
              'x-hub-signature-256': await sign(secret, body),
            },
            body,
          }),
        );
        expect(answer.statusCode).toBe(202);
      }
      expect(door.lines.every(({ event }) => ['event.decided', 'event.ignored'].includes(event))).toBe(true);
    },
  );
});
