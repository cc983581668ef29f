/** What was decided about an event is kept: from the door over a queue of its own to the table, the API and `why`. */
import { createServer } from 'node:http';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { command } from '../../bin/commands/why.ts';
import { EventRecord, recordOf } from '../../lib/model/decision.ts';
import { RunRequest } from '../../lib/model/run-request.ts';
import { recordsQueue } from '../../lib/queues/records-queue.ts';
import { runsQueue } from '../../lib/queues/runs-queue.ts';
import { dynamoEventLog } from '../../lib/store/dynamodb-event-log.ts';
import { portOf } from '../../local/stack/ports.ts';
import { eventOf } from '../fixtures/http-events.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { NOW, samplesOf, signedSample } from '../fixtures/signed-requests.ts';
import { startSqs } from '../fixtures/sqs.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

const sqs = await startSqs();
const table = await startRunsTable();
afterAll(async () => {
  await sqs.stop();
  await table.stop();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function aRecord(given: Partial<EventRecord> = {}): EventRecord {
  return {
    version: 1,
    action: 'event',
    source: 'github',
    eventId: 'delivery-1',
    type: 'deploy.push',
    time: NOW.toISOString(),
    receivedAt: new Date().toISOString(),
    matched: [],
    unmatched: [{ rule: 'deploy', because: '`event.type == "deploy.created"` is false' }],
    ...given,
  };
}

describe('the record of an event', () => {
  it('travels with the runs that it started, in one call of their queue', async () => {
    const [runs, recordsUrl] = [sqs.makeQueue('runs'), sqs.makeQueue('records')];
    const door = aDoor({
      runsQueue: runsQueue(sqs.client, runs),
      recordsQueue: recordsQueue(sqs.client, recordsUrl),
    });
    const sample = samplesOf('alertmanager').find(({ file }) => file === 'alertmanager.json');
    if (sample === undefined) throw new Error('no sample');
    await door.receive(eventOf('alertmanager', signedSample(sample)));
    const [request, record, ...others] = sqs.messagesIn(runs).map(({ body }) => JSON.parse(body));
    expect([others, sqs.messagesIn(recordsUrl)]).toEqual([[], []]);
    const [requests, records] = [[RunRequest.parse(request)], [EventRecord.parse(record)]];
    expect(records.flatMap(({ matched }) => matched.map(({ runId }) => runId))).toEqual(
      requests.map(({ runId }) => runId),
    );
    expect(records[0]).toMatchObject({
      source: 'alertmanager',
      type: 'alert.firing',
      receivedAt: NOW.toISOString(),
    });
    expect(records[0]?.unmatched.length).toBeGreaterThan(0);
  });

  it('of an event that starts nothing is all that there is: one call of a queue, and none of the runs queue', async () => {
    const calls: string[] = [];
    const door = aDoor({
      ruleSet: withSettings(
        'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - { name: r, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1 } }',
      ),
      runsQueue: {
        async send(requests) {
          if (requests.length > 0) calls.push('runs');
        },
      },
      recordsQueue: {
        async send() {
          calls.push('records');
        },
      },
    });
    const sample = samplesOf('alertmanager').find(({ file }) => file === 'alertmanager.resolved.json');
    if (sample === undefined) throw new Error('no sample');
    await door.receive(eventOf('alertmanager', signedSample(sample)));
    expect(calls).toEqual(['records']);
  });

  describe('has the event, to be replayed', () => {
    const rules = (parameters: string) =>
      withSettings(`version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - { name: r, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: ins-1, parameters: ${parameters} } }`);
    const SAMPLE = samplesOf('alertmanager').find(({ file }) => file === 'alertmanager.json');

    async function kept(given: Parameters<typeof aDoor>[0], change = (value: unknown) => value) {
      if (SAMPLE === undefined) throw new Error('no sample');
      const door = aDoor(given);
      const sample = { ...SAMPLE, value: change(SAMPLE.value) };
      await door.receive(eventOf('alertmanager', signedSample(sample)));
      return door.records.map(({ event }) => event);
    }

    it('where it is kept, and only there', async () => {
      expect(await kept({ ruleSet: rules('{}') })).toEqual([undefined]);
      expect(await kept({ ruleSet: rules('{}'), keep: 'fields' })).toMatchObject([
        { source: 'alertmanager', kind: 'alert', data: { name: 'High5xx', fingerprint: '1aaabd2adb6c43a2' } },
      ]);
    });

    it('unless a rule that fires makes a secret of it, also where that is rejected', async () => {
      const secret = (value: string) => rules(`{ t: { value: '${value}', secret: true } }`);
      const ofEvent = secret(`\${event.data.labels.service}`);
      const rejected = secret(`\${event.data.summary}`);
      expect(await kept({ ruleSet: ofEvent, keep: 'all' })).toEqual([undefined]);
      expect(await kept({ ruleSet: rejected, keep: 'all' })).toEqual([undefined]);
      expect(await kept({ ruleSet: secret('of-the-file'), keep: 'all' })).toEqual([
        expect.objectContaining({ kind: 'alert' }),
      ]);
    });

    it('as far as one request may cost', async () => {
      const group = z.looseObject({ alerts: z.array(z.looseObject({ labels: z.looseObject({}) })) });
      const events = await kept({ ruleSet: rules('{}'), keep: 'fields' }, (value) => {
        const { alerts, ...rest } = group.parse(value);
        const many = Array.from({ length: 60 }, (_, index) => ({
          ...alerts[0],
          labels: { ...alerts[0]?.labels, alertname: `A${index}`, note: 'x'.repeat(10_000) },
          fingerprint: index.toString(16).padStart(16, '0'),
        }));
        return { ...rest, alerts: many };
      });
      expect([events.length, events.filter((event) => event !== undefined).length]).toEqual([60, 12]);
    });
  });

  it('is short, whatever the event says', () => {
    const long = 'x'.repeat(100_000);
    const event = {
      specversion: '1.0',
      id: long,
      source: 'generic',
      subject: long,
      time: NOW.toISOString(),
      kind: 'generic',
      type: 'generic.received',
      data: { body: {} },
    } as const;
    const unmatched = Array.from({ length: 500 }, (_, index) => ({ rule: `rule-${index}`, because: long }));
    const record = recordOf(
      { event, matched: [{ rule: 'r', runId: 'run-a', rejected: long }], unmatched },
      NOW,
    );
    expect(EventRecord.parse(record)).toMatchObject({ unmatchedOmitted: 400 });
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(64 * 1024);
  });
});

describe('the log of events', () => {
  const log = dynamoEventLog(table);

  it('lists the newest first, a page at a time, of one source where asked', async () => {
    const at = (second: number) => new Date(Date.now() - 60_000 + second * 1000).toISOString();
    await log.put(aRecord({ eventId: 'a', receivedAt: at(1), source: 'paging' }));
    await log.put(aRecord({ eventId: 'b', receivedAt: at(2), source: 'paging' }));
    await log.put(aRecord({ eventId: 'other', receivedAt: at(2.5) }));
    await log.put(aRecord({ eventId: 'c', receivedAt: at(3), source: 'paging' }));
    const first = await log.list({ limit: 2, source: 'paging' });
    const second = await log.list({
      limit: 2,
      source: 'paging',
      ...(first.cursor && { cursor: first.cursor }),
    });
    expect([first, second].map(({ events }) => events.map(({ eventId }) => eventId))).toEqual([
      ['c', 'b'],
      ['a'],
    ]);
  });

  it('has what is kept of an event', async () => {
    const event = { specversion: '1.0', kind: 'alert', data: { labels: { a: 'b' } } };
    await log.put(aRecord({ source: 'kept', event }));
    expect((await log.list({ limit: 1, source: 'kept' })).events).toMatchObject([{ event }]);
  });

  it('has an event that came again once, as it was decided last', async () => {
    await log.put(aRecord({ source: 'again', unmatched: [] }));
    await log.put(aRecord({ source: 'again' }));
    const { events } = await log.list({ limit: 10, source: 'again' });
    expect(events.map(({ unmatched }) => unmatched.length)).toEqual([1]);
  });
});

describe('fleet-reflex why', () => {
  const RUN = {
    runId: 'run-abcdefghijklmnopqrstuvwxyz',
    rule: 'restart-web',
    status: 'rejected',
    reason: { code: 'guard.freeze', message: 'ada has frozen all runs: incident.' },
    instances: ['ins-1'],
    invocationIds: [],
    trigger: { source: 'alertmanager', type: 'alert.firing', id: 'e1' },
    requestedAt: '2026-11-20T10:35:00.000Z',
    parameters: {},
    tasks: [],
  };

  async function why(args: readonly string[], events: readonly EventRecord[]) {
    const server = createServer((request, response) => {
      const isRun = request.url?.startsWith('/runs/') === true;
      response.end(JSON.stringify(isRun ? RUN : { events }));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    vi.stubEnv('FLEET_REFLEX_URL', `http://127.0.0.1:${portOf(server)}`);
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)));
    vi.spyOn(console, 'error').mockImplementation((line) => lines.push(String(line)));
    const code = await command.run(args);
    await new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
    return { code, lines };
  }

  it('says what an event started and how that ended, and which clause of which rule said no', async () => {
    const event = aRecord({ matched: [{ rule: 'restart-web', runId: RUN.runId }], subject: 'High5xx' });
    const { code, lines } = await why(['high5xx'], [aRecord({ eventId: 'another' }), event]);
    expect(code).toBe(0);
    expect(lines).toEqual([
      `${event.receivedAt.slice(0, 19).replace('T', ' ')}  deploy.push of github, about High5xx (delivery-1)`,
      `  ✓ 2026-11-20 10:35:00  rejected       ${RUN.runId}  restart-web on ins-1  (ada has frozen all runs: incident.)`,
      '  · deploy: `event.type == "deploy.created"` is false',
    ]);
  });

  it('finds an event among many of its request', async () => {
    const events = Array.from({ length: 300 }, (_, index) => ({
      eventId: `f-${index}`,
      subject: `High-${index}`,
    }));
    const together = aRecord({ eventId: 'f-0 and 299 more of its request', events });
    const { code, lines } = await why(['high-29'], [aRecord({ eventId: 'another' }), together]);
    expect(code).toBe(0);
    expect(lines.at(0)).toContain('(f-0 and 299 more of its request)');
    expect(lines.at(-1)).toBe('  so too     f-29, f-290, f-291, f-292, f-293 and 6 more');
  });

  it('finds an event by the id that its sender’s own log shows', async () => {
    const event = aRecord({ eventId: `sha256-${'a'.repeat(64)}`, deliveryId: '72d3162e-cc78' });
    const { code, lines } = await why(['72D3162E'], [aRecord({ eventId: 'another' }), event]);
    expect([code, lines[0]]).toEqual([0, expect.stringContaining('(72d3162e-cc78)')]);
  });

  it('explains one run', async () => {
    const { code, lines } = await why([RUN.runId], []);
    expect(code).toBe(0);
    expect(lines.join('\n')).toContain('ada has frozen all runs: incident. [guard.freeze]');
  });

  it('says where else to look when there is no such event', async () => {
    const { code, lines } = await why(['nothing-like-it'], [aRecord()]);
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain('request.refused');
  });
});
