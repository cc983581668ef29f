/** One delivered request with far too much in it: what starts, what is refused, and what that leaves behind. */
import { describe, expect, it } from 'vitest';
import { EventRecord } from '../../lib/model/decision.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { rejectedRun } from '../../lib/runs/new-run.ts';
import { eventOf } from '../fixtures/http-events.ts';
import { signedRequest } from '../fixtures/signed-requests.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

const HEAD = 'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\n';
const RUN = 'provider: tencent, command: cmd-1';
const BY_EVENT = `run: { ${RUN}, instances: '\${event.data.labels.instance_id}', unsafe: [instances] }`;
const ONE_RULE = `${HEAD}rules:\n  - { name: restart, on: alertmanager, ${BY_EVENT} }`;

interface Alert {
  status?: string;
  labels: Record<string, string>;
  fingerprint: string;
}

const anAlert = (index: number, more: Partial<Alert> = {}) => ({
  status: 'firing',
  labels: { alertname: `High5xx-${index}`, instance_id: `ins-${String(index).padStart(8, '0')}` },
  annotations: { summary: 'x'.repeat(40) },
  startsAt: '2026-11-20T10:02:17.482Z',
  fingerprint: `f-${index}`,
  ...more,
});

const many = (count: number, more: (index: number) => Partial<Alert> = () => ({})) =>
  Array.from({ length: count }, (_, index) => anAlert(index, more(index)));

async function send(alerts: readonly unknown[], rules = ONE_RULE) {
  const door = aDoor({ ruleSet: withSettings(rules) });
  const body = JSON.stringify({ version: '4', groupKey: 'g', status: 'firing', alerts });
  const answer = await door.receive(
    eventOf('alertmanager', signedRequest('alertmanager', { body: Buffer.from(body) })),
  );
  return { ...door, answer, bytes: body.length, told: JSON.parse(answer.body) };
}

const idsOf = (requests: readonly RunRequest[], action: RunRequest['action']) =>
  requests.flatMap((request) => (request.action === action ? [request.runId] : []));

describe('a body with 3,000 alerts', () => {
  it('starts 50 runs, and refuses the rest as one', async () => {
    const { sent, answer, bytes } = await send(many(3_000));
    expect(bytes).toBeGreaterThan(460_000);
    expect(answer.statusCode).toBe(202);
    const [refused, ...others] = sent.filter(({ action }) => action === 'reject');
    expect(others).toEqual([]);
    expect(idsOf(sent, 'run').length).toBe(50);
    expect(refused).toMatchObject({
      rule: 'restart',
      reason: {
        code: 'limit.runs-per-request',
        message: expect.stringMatching(/^2950 .*"High5xx-\d+", .*\b2947\b.*\b50\b.*\b3000\b/),
      },
    });
  });

  it('tells the sender which started and why the others did not, in an answer of bounded length', async () => {
    const { told, sent, answer } = await send(many(3_000));
    expect(answer.body.length).toBeLessThan(1_000_000);
    expect(told.matched.length + told.omitted.matched).toBe(3_000);
    const started = told.matched.filter((it: { rejected?: string }) => it.rejected === undefined);
    expect(started.map((it: { runId: string }) => it.runId).toSorted()).toEqual(
      idsOf(sent, 'run').toSorted(),
    );
    expect(told.matched.at(-1)).toMatchObject({
      runId: idsOf(sent, 'reject')[0],
      rejected: expect.stringContaining('limits.runsPerRequest'),
    });
  });

  it('is decided in less than the function has, also where nothing of it starts', async () => {
    const before = process.cpuUsage();
    await send(many(3_000));
    await send(
      many(3_000),
      `${HEAD}rules:\n  - { name: none, on: alertmanager, when: event.data.name == 'x', ${BY_EVENT} }`,
    );
    const { user } = process.cpuUsage(before);
    expect(user / 1e6).toBeLessThan(5);
  });

  it.each<[string, unknown]>([
    ['a large list', Array.from({ length: 8_000 }, (_, index) => ({ index }))],
    ['a text that is a large list', JSON.stringify(Array.from({ length: 8_000 }, (_, index) => ({ index })))],
  ])('is decided as fast where all of them share %s', async (_, shared) => {
    const body = Buffer.from(JSON.stringify({ version: '4', groupKey: 'g', shared, alerts: many(3_000) }));
    const door = aDoor({ ruleSet: withSettings(ONE_RULE) });
    const before = process.cpuUsage();
    await door.receive(eventOf('alertmanager', signedRequest('alertmanager', { body })));
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(3);
    expect(idsOf(door.sent, 'run').length).toBe(50);
  });

  it('leaves few records, in which each of its events is found', async () => {
    const { records } = await send(many(3_000));
    expect(records.length).toBeLessThan(150);
    const found = records.flatMap(({ eventId, events = [{ eventId }] }) => events.map((it) => it.eventId));
    // Their fingerprints are made up, so that their labels are part of their ids.
    const ids = found.map((id) => id.replace(/\/[0-9a-f]{16}$/, ''));
    expect(ids.toSorted()).toEqual(
      many(3_000)
        .map(({ fingerprint }) => `${fingerprint}/2026-11-20T10:02:17.482Z/firing`)
        .toSorted(),
    );
    for (const record of records) {
      expect(EventRecord.parse(JSON.parse(JSON.stringify(record)))).toBeDefined();
      expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(64 * 1024);
    }
  });

  it('leaves few records also where every decision reads otherwise', async () => {
    const rules = `${HEAD}rules:\n  - { name: restart, on: alertmanager, when: "event.data.labels['x'].size() > 0", ${BY_EVENT} }`;
    const { records } = await send(many(3_000), rules);
    expect(records.length).toBeLessThan(150);
    const unsafe = await send(
      many(3_000, (index) => ({ labels: { alertname: 'a', instance_id: `;${index}` } })),
    );
    expect(unsafe.records.length).toBeLessThan(150);
    expect(unsafe.sent.length).toBe(21);
    expect(unsafe.sent.at(-1)).toMatchObject({ action: 'reject', reason: { code: 'instances.invalid' } });
  });
});

describe('which runs start', () => {
  it('is the same for the same delivery, in whatever order', async () => {
    const alerts = many(200);
    const [first, again, turned] = [await send(alerts), await send(alerts), await send(alerts.toReversed())];
    expect(again.sent).toEqual(first.sent);
    expect(idsOf(turned.sent, 'run').toSorted()).toEqual(idsOf(first.sent, 'run').toSorted());
    expect(idsOf(turned.sent, 'reject')).toEqual(idsOf(first.sent, 'reject'));
  });

  it('is all of them up to the limit, and what the file says', async () => {
    expect(idsOf((await send(many(50))).sent, 'run').length).toBe(50);
    const raised = ONE_RULE.replace('rules:', 'limits: { runsPerRequest: 60 }\nrules:');
    expect(idsOf((await send(many(61), raised)).sent, 'run').length).toBe(60);
    const lowered = ONE_RULE.replace('rules:', 'limits: { runsPerRequest: 1 }\nrules:');
    expect(idsOf((await send(many(3), lowered)).sent, 'run').length).toBe(1);
  });

  it('counts an event that is in the body twice once', async () => {
    const { sent } = await send([...many(40), ...many(40)]);
    expect(sent.map(({ action }) => action)).toEqual(Array.from({ length: 40 }, () => 'run'));
  });

  it('counts over all rules, with a refusal for each', async () => {
    const two = `${ONE_RULE}\n  - { name: other, on: alertmanager, ${BY_EVENT} }`;
    const { sent } = await send(many(100), two);
    expect(idsOf(sent, 'run').length).toBe(50);
    const refused = sent.filter(({ action }) => action === 'reject');
    expect(refused.map(({ rule }) => rule).toSorted()).toEqual(['other', 'restart']);
  });

  it('counts schedules too: they start runs later', async () => {
    const rules = `${HEAD}rules:\n  - { name: later, on: alertmanager, schedule: { ${RUN}, instances: ins-1, at: 1h } }`;
    const { sent } = await send(many(60), rules);
    expect([idsOf(sent, 'schedule').length, idsOf(sent, 'reject').length]).toEqual([50, 1]);
  });

  it('leaves cancels alone: each is for an episode of its own', async () => {
    const rules = `${ONE_RULE}\n  - { name: stop, on: alertmanager, when: event.data.status == 'resolved', cancel: { rule: restart } }`;
    const { sent, told } = await send(
      many(100, (index) => ({ status: index < 60 ? 'firing' : 'resolved' })),
      rules,
    );
    expect([idsOf(sent, 'run').length, idsOf(sent, 'cancel').length]).toEqual([50, 40]);
    expect(told.matched.filter(({ rule }: { rule: string }) => rule === 'stop').length).toBe(40);
  });
});

describe('what was refused', () => {
  it('is a run of its own that says how many, and is told once', async () => {
    const { sent } = await send(many(60));
    const refused = sent.find((request) => request.action === 'reject');
    if (refused?.action !== 'reject') throw new Error('nothing was refused');
    expect(rejectedRun(refused, new Date())).toMatchObject({
      status: 'rejected',
      outbox: ['run.rejected'],
      reason: { code: 'limit.runs-per-request', message: expect.stringMatching(/^10 /) },
    });
  });

  it('for the limit alone may still start, should the same delivery come when the limit is raised', async () => {
    for (const count of [51, 60]) {
      const { sent } = await send(many(count));
      const raised = await send(
        many(count),
        ONE_RULE.replace('rules:', 'limits: { runsPerRequest: 60 }\nrules:'),
      );
      const [refused] = idsOf(sent, 'reject');
      expect(idsOf(raised.sent, 'run').length).toBe(count);
      expect(idsOf(raised.sent, 'run')).not.toContain(refused);
    }
  });
});
