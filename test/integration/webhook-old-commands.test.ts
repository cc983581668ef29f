/** A command that a person gave more than five minutes ago does not run, by the sender's own time where that is signed. */

import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../lib/sources/registry.ts';
import { eventOf } from '../fixtures/http-events.ts';
import {
  NOW,
  type Sample,
  samplesOf,
  signedRequest,
  signedSample,
  signerOf,
} from '../fixtures/signed-requests.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { aDoor, withSettings } from '../fixtures/webhook-door.ts';

const CHATS = [...SOURCES.values()].filter(({ kinds }) => kinds.includes('chat')).map(({ name }) => name);
const MINUTE_MS = 60_000;

const RULES = withSettings(`
version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - name: typed
    on: [${CHATS.join(', ')}]
    when: event.kind == 'chat'
    allow: { users: ['*'] }
    run: { provider: tencent, command: cmd-1, instances: ins-1 }
  - name: named
    on: [${CHATS.join(', ')}]
    byName: true
    allow: { users: ['*'] }
    run: { provider: tencent, command: cmd-1, instances: ins-1 }
`);
const withCommenters = {
  ...RULES,
  sources: {
    ...RULES.sources,
    gitea: settingsOf('gitea', { commenters: ['*'] }),
    forgejo: settingsOf('forgejo', { commenters: ['*'] }),
  },
};

const sampleOf = (file: string): Sample => {
  const sample = samplesOf(file.split('.', 1)[0] ?? '').find((it) => it.file === file);
  if (sample === undefined) throw new Error(file);
  return sample;
};

/** What a door makes of it that received it so long after the time that the event has. */
async function decidedAfter(ms: number, sample: Sample) {
  const first = aDoor({ ruleSet: withCommenters });
  await first.receive(eventOf(sample.source, signedSample(sample)));
  const saidAt = new Date(first.records[0]?.time ?? NOW);
  // What a sender says about the time of sending is fresh: it is sent just now, late or once more.
  const now = new Date(saidAt.getTime() + ms);
  const door = aDoor({ ruleSet: withCommenters, now: () => now });
  const answer = await door.receive(eventOf(sample.source, signedSample(sample, { at: now })));
  return {
    ...door,
    answer,
    asked: door.sent.map((request) => (request.action === 'reject' ? request.reason.code : request.action)),
  };
}

/** A comment on GitHub, as its forks send it. */
const asSentBy = (source: string): Sample => ({ ...sampleOf('github.issue_comment.json'), source });

describe('a command of six minutes ago', () => {
  it.each<[string, Sample]>([
    ['of GitHub, a comment', sampleOf('github.issue_comment.json')],
    ['of Gitea, a comment', asSentBy('gitea')],
    ['of Forgejo, a comment', asSentBy('forgejo')],
    ['of Slack, a mention', sampleOf('slack.app_mention.json')],
    ['of Teams', sampleOf('teams.json')],
    ['of Feishu', sampleOf('feishu.json')],
    ['of WeCom', sampleOf('wecom.json')],
  ])('is rejected, and says its age: %s', async (_, sample) => {
    const { asked, sent, records } = await decidedAfter(6 * MINUTE_MS, sample);
    expect(asked).toEqual(['command.too-old']);
    expect(sent).toMatchObject([
      { rule: 'typed', reason: { message: expect.stringContaining('6 minutes ago') } },
    ]);
    expect(records.flatMap(({ matched }) => matched.map(({ rejected }) => rejected))).toEqual([
      expect.stringContaining('6 minutes ago'),
    ]);
  });

  it.each<[string, Sample]>([
    // The sender signs the time of sending, which is now.
    ['of Slack, a command', sampleOf('slack.json')],
    ['of DingTalk', sampleOf('dingtalk.json')],
    ['of Discord', sampleOf('discord.json')],
    // The sender signs nothing, and says what it likes: the time of receipt counts.
    ['of Mattermost, an outgoing webhook', sampleOf('mattermost.outgoing.json')],
    ['of GitLab, a note with a secret token', sampleOf('gitlab.note.json')],
  ])('is one of now where its time is not signed: %s', async (_, sample) => {
    expect((await decidedAfter(6 * MINUTE_MS, sample)).asked).toEqual(['run']);
  });

  it('is rejected where GitLab signs it', async () => {
    const signing = signerOf('standard-webhooks');
    const value = { ...Object(sampleOf('gitlab.note.json').value) };
    const at = (ms: number) => new Date(NOW.getTime() - ms).toISOString();
    const asked = async (ageMs: number) => {
      const note = { ...value.object_attributes, created_at: at(ageMs) };
      const body = Buffer.from(JSON.stringify({ ...value, object_attributes: note }));
      const door = aDoor({ ruleSet: withCommenters, secrets: async () => [signing.secrets[0]] });
      await door.receive(eventOf('gitlab', signedRequest('standard-webhooks', { body })));
      return door.sent.map(({ action }) => action);
    };
    expect([await asked(6 * MINUTE_MS), await asked(4 * MINUTE_MS)]).toEqual([['reject'], ['run']]);
  });
});

describe('a command', () => {
  it.each([
    [5 * MINUTE_MS, 'run'],
    [5 * MINUTE_MS + 1_000, 'command.too-old'],
    // Two clocks may differ: what is said of the future is of now.
    [-3 * MINUTE_MS, 'run'],
  ])('of %d ms ago: %s', async (ms, expected) => {
    expect((await decidedAfter(ms, sampleOf('teams.json'))).asked).toEqual([expected]);
  });

  it('carries along when it was said, so that its age counts on the way to dispatch too', async () => {
    const { sent, records } = await decidedAfter(2 * MINUTE_MS, sampleOf('teams.json'));
    expect(sent.map(({ saidAt }) => saidAt)).toEqual(records.map(({ time }) => time));
  });

  it('that DingTalk signed half an hour ago, captured and sent now with any text, does not run', async () => {
    const sample = sampleOf('dingtalk.json');
    const captured = signedSample(sample, { at: new Date(NOW.getTime() - 30 * MINUTE_MS) });
    const body = Buffer.from(
      JSON.stringify({ ...Object(sample.value), createAt: NOW.getTime(), msgId: 'other' }),
    );
    const door = aDoor({ ruleSet: withCommenters });
    await door.receive(eventOf('dingtalk', { ...captured, body }));
    expect(door.sent).toMatchObject([{ action: 'reject', reason: { code: 'command.too-old' } }]);
  });

  it.each(['run named', 'schedule named in 1h', 'status', 'help'])(
    'that is a built-in verb is answered with its age: %s',
    async (text) => {
      const sample = sampleOf('teams.json');
      const value = { ...Object(sample.value), text: `<at>fleet</at> ${text}` };
      const { asked, answer } = await decidedAfter(6 * MINUTE_MS, { ...sample, value });
      expect(answer.body).toContain('6 minutes ago');
      expect(asked).toEqual(text.includes('named') ? ['command.too-old'] : []);
    },
  );

  it('is no alert: one of yesterday that is sent again is decided as it is', async () => {
    const door = aDoor({
      ruleSet: withSettings(
        'version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n  - { name: r, on: pagerduty, run: { provider: tencent, command: cmd-1, instances: ins-1 } }',
      ),
      now: () => new Date(NOW.getTime() + 86_400_000),
    });
    await door.receive(eventOf('pagerduty', signedSample(sampleOf('pagerduty.json'))));
    expect(door.sent.map(({ action }) => action)).toEqual(['run']);
  });
});
