/** A captured request that is sent again, whatever its unsigned headers say: it asks for the run that it asked for before. */
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../lib/sources/registry.ts';
import { eventOf } from '../fixtures/http-events.ts';
import { NOW, samplesOf, signedSample } from '../fixtures/signed-requests.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

/** Everything that every source sends runs something; what people type, whoever they are. */
const RULES = withSettings(`
version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
${[...SOURCES.values()]
  .map(({ name, kinds }) => {
    const allow = kinds.includes('chat') ? "allow: { users: ['*'] }, " : '';
    // What is over runs nothing unless a rule asks for it.
    const when = kinds.includes('alert') ? "event.data.status != ''" : "event.source != ''";
    return `  - { name: on-${name}, on: ${name}, when: ${when}, ${allow}run: { provider: tencent, command: cmd-1, instances: ins-1 } }`;
  })
  .join('\n')}
`);

const IDS = [
  'x-github-delivery',
  'x-gitea-delivery',
  'x-forgejo-delivery',
  'x-gitlab-event-uuid',
  'x-gitlab-webhook-uuid',
  'idempotency-key',
  'x-request-uuid',
  'x-request-id',
  'x-hook-uuid',
  'request-id',
  'webhook-id',
  'x-delivery-id',
  'x-event-id',
  'ce-id',
  'x-amz-sns-message-id',
  'x-slack-retry-num',
  'x-lark-request-nonce',
];

describe('a request that is sent again under other delivery ids', () => {
  const files = [...SOURCES.keys()]
    .flatMap((name) => samplesOf(name))
    .map((sample) => [sample.file, sample] as const);

  it.each(files)('asks for no other run: %s', async (_, sample) => {
    const door = aDoor({ ruleSet: RULES, now: () => NOW });
    const request = signedSample(sample);
    await door.receive(eventOf(sample.source, request));
    const decided = () => ({
      events: new Set(door.records.map(({ eventId }) => eventId)),
      runs: new Set(door.sent.map(({ runId }) => runId)),
    });
    const first = decided();
    expect(first.events.size).toBeGreaterThan(0);
    for (const header of IDS) {
      await door.receive(
        eventOf(sample.source, { ...request, headers: { ...request.headers, [header]: 'another-0001' } }),
      );
    }
    await door.receive(
      eventOf(sample.source, {
        ...request,
        headers: { ...Object.fromEntries(IDS.map((header) => [header, 'another-0002'])), ...request.headers },
      }),
    );
    expect(decided()).toEqual(first);
  });
});
