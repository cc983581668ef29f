/** What is older than we remember, and could have been captured at any time, starts nothing; what is said of it. */
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../lib/sources/registry.ts';
import { anHttpEvent, eventOf } from '../fixtures/http-events.ts';
import { NOW, samplesOf, signedSample, signerOf } from '../fixtures/signed-requests.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

const DAY_MS = 86_400_000;
const later = (days: number) => new Date(NOW.getTime() + days * DAY_MS);

/** Everything that a source tells of runs something. */
const RULES = withSettings(`
version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
${[...SOURCES.values()]
  .map(({ name, kinds }) => {
    const allow = kinds.includes('chat') ? "allow: { users: ['*'] }, " : '';
    const when = kinds.includes('alert') ? "event.data.status != ''" : "event.source != ''";
    return `  - { name: on-${name}, on: ${name}, when: ${when}, ${allow}run: { provider: tencent, command: cmd-1, instances: ins-1 } }`;
  })
  .join('\n')}
`);

/** Of these nothing says when they happened; a person's command is not this rule's business. */
const WITHOUT_TIME = [
  'bitbucket.push.json',
  'generic.json',
  'forgejo.push.json',
  'gitea.push.json',
  'github.issue_comment.json',
  'github.repository_dispatch.json',
  'gitlab.note.json',
  'gitlab.push.json',
  'mattermost.json',
  'mattermost.outgoing.json',
  'teams.json',
  'zabbix.acknowledged.json',
];

async function codeOf(file: string, sample: Parameters<typeof signedSample>[0], now: Date) {
  const door = aDoor({ ruleSet: RULES, now: () => now });
  const answer = await door.receive(eventOf(sample.source, signedSample(sample)));
  const notes = door.records.flatMap(({ notes: of = [] }) => of.map(({ code }) => code));
  const hasRun = door.sent.some(({ action }) => action === 'run' || action === 'schedule');
  if (answer.statusCode === 401) return { file, is: 'refused by its signed time', hasRun };
  return { file, is: notes.includes('event.stale') ? 'stale' : 'taken', hasRun };
}

describe('a captured request, sent again when its event is forgotten', () => {
  const files = [...SOURCES.keys()]
    .flatMap((name) => samplesOf(name))
    .map((sample) => [sample.file, sample] as const);

  it.each(files)('starts nothing by its signed time or its own: %s', async (file, sample) => {
    const { is, hasRun } = await codeOf(file, sample, later(31));
    expect(is === 'taken').toBe(WITHOUT_TIME.includes(file));
    if (is !== 'taken') expect(hasRun).toBe(false);
  });

  it.each(files)('is young: %s', async (file, sample) => {
    expect((await codeOf(file, sample, NOW)).is).toBe('taken');
  });
});

describe('an event that is stale', () => {
  const send = async (startsAt: string, more: readonly object[] = []) => {
    const door = aDoor({ ruleSet: RULES });
    const alert = { status: 'firing', labels: { alertname: 'A' }, startsAt, fingerprint: 'f' };
    const body = JSON.stringify({ version: '4', groupKey: 'g', status: 'firing', alerts: [alert, ...more] });
    const answer = await door.receive(
      anHttpEvent({
        source: 'alertmanager',
        body,
        headers: {
          authorization: `Bearer ${signerOf('alertmanager').secrets[0]}`,
          'content-type': 'application/json',
        },
      }),
    );
    return { door, answer, body: JSON.parse(answer.body) };
  };
  const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS).toISOString();

  it('is answered 202 with its age, to prevent retries, and is recorded', async () => {
    const { door, answer, body } = await send(daysAgo(40));
    const note = { code: 'event.stale', message: expect.stringContaining(daysAgo(40)) };
    expect(answer.statusCode).toBe(202);
    expect(body).toEqual({
      matched: [],
      unmatched: [],
      notes: [{ ...note, eventIds: [door.records[0]?.eventId] }],
    });
    expect(door.sent).toEqual([]);
    expect(door.records).toMatchObject([{ matched: [], unmatched: [], notes: [note] }]);
  });

  it('takes nothing from the others of its request', async () => {
    const young = { status: 'firing', labels: { alertname: 'B' }, startsAt: daysAgo(1), fingerprint: 'y' };
    const { door, body } = await send(daysAgo(40), [young]);
    expect(body.matched).toMatchObject([{ rule: 'on-alertmanager' }]);
    expect(door.sent).toHaveLength(1);
  });

  it('is one only when it is older than what is remembered', async () => {
    expect((await send(daysAgo(30))).door.sent).toHaveLength(1);
  });
});

it('alerts that were left out are in the answer and on record, once for the request', async () => {
  const door = aDoor({ ruleSet: RULES });
  const alert = (name: string) => ({
    status: 'firing',
    labels: { alertname: name },
    startsAt: NOW.toISOString(),
    fingerprint: name,
  });
  const answer = await door.receive(
    anHttpEvent({
      source: 'alertmanager',
      body: JSON.stringify({
        version: '4',
        groupKey: 'g',
        status: 'firing',
        truncatedAlerts: 12,
        alerts: [alert('a'), alert('b')],
      }),
      headers: {
        authorization: `Bearer ${signerOf('alertmanager').secrets[0]}`,
        'content-type': 'application/json',
      },
    }),
  );
  const note = { code: 'alerts.truncated', message: expect.stringMatching(/\b12\b/) };
  expect(JSON.parse(answer.body)).toMatchObject({
    matched: [{ rule: 'on-alertmanager' }, { rule: 'on-alertmanager' }],
    notes: [{ ...note, eventIds: door.records.map(({ eventId }) => eventId) }],
  });
  expect(door.records).toMatchObject([{ notes: [note] }, { notes: [note] }]);
});
