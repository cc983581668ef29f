/**
 * What others wrote stays text in every chat, whatever they wrote: the output of a command closes no code block, a
 * reason opens none, and neither links anything, commands anything or mentions anybody.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { DoorOutcome } from '../../../lib/model/decision.ts';
import { dingtalkReply } from '../../../lib/sources/dingtalk/reply.ts';
import { discordReply } from '../../../lib/sources/discord/reply.ts';
import { feishuReply } from '../../../lib/sources/feishu/reply.ts';
import { gitlabNoteReply } from '../../../lib/sources/gitlab/reply.ts';
import { mattermostReply } from '../../../lib/sources/mattermost/reply.ts';
import type { ReplyChannel } from '../../../lib/sources/shared/channel.ts';
import { answerText } from '../../../lib/sources/shared/chat-answer.ts';
import {
  codeHostMarkup,
  discordMarkup,
  gitlabMarkup,
  type Markup,
  mattermostMarkup,
  plainMarkup,
  slackMarkup,
  tagMarkup,
  teamsAnswerMarkup,
} from '../../../lib/sources/shared/chat-markup.ts';
import { issueCommentReply } from '../../../lib/sources/shared/issue-comment-reply.ts';
import { messageOfEvent, messageOfText } from '../../../lib/sources/shared/run-message.ts';
import { slackReply } from '../../../lib/sources/slack/reply.ts';
import { teamsReply } from '../../../lib/sources/teams/reply.ts';
import { wecomReply } from '../../../lib/sources/wecom/reply.ts';

const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';

/** What opens, closes, links, commands or mentions in some chat. */
const HOSTILE = [
  ...['`', '``', '```', '````', '`````````', '```js', '\n```\n', '\n````\n', '~~~', '\n~~~\n'],
  ...['<!channel>', '<!here|here>', '<@U123>', '<@&42>', '<#C1>', '<http://evil.example|safe>'],
  ...['@all', '@everyone', '@here', '@channel', '@ann', '@org/team', '&#64;all', '&commat;all'],
  ...['<at id=all></at>', '&lt;at id=all&gt;', '<a href="http://evil.example">x</a>', '<img src=x>'],
  ...['[safe](http://evil.example)', '![x](http://evil.example)', '[x]: http://evil.example', ']('],
  ...['#1', 'acme/web#1', '!1', 'http://evil.example/acme/web/issues/1', 'www.evil.example'],
  ...[
    '\n/close\n',
    '\n  /merge',
    '\r\n/close',
    '\u2028/close',
    '||',
    '**',
    '__',
    '~~',
    '*',
    '_',
    '\\',
    '\\`',
  ],
  ...['\n# big', '\n> quoted', '\n    code', '\u202e', '\u001b[31m', '\u0000', '\n', ' '],
];

/** Hostile words, each behind a word that tells where they ended up. */
const words = (marker: string) =>
  fc
    .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 3, unit: 'grapheme-ascii' })), {
      minLength: 1,
      maxLength: 12,
    })
    .map((parts) => parts.map((part) => `${marker}${part}`).join(''));

const someWords = fc.record({
  reason: words('OUTSIDE'),
  error: words('OUTSIDE'),
  outputs: fc.array(words('INSIDE'), { minLength: 1, maxLength: 3 }),
});
type Words = typeof someWords extends fc.Arbitrary<infer Value> ? Value : never;

/** Every text of a body that the chat reads as markup. */
const Marked = {
  slack: z
    .looseObject({
      text: z.string(),
      blocks: z.array(
        z.looseObject({ text: z.looseObject({ text: z.string(), verbatim: z.literal(true) }) }),
      ),
    })
    .transform(({ text, blocks }) => [text, ...blocks.map((block) => block.text.text)]),
  discord: z
    .looseObject({ content: z.string(), allowed_mentions: z.strictObject({ parse: z.tuple([]) }) })
    .transform(({ content }) => [content]),
  mattermost: z.looseObject({ text: z.string() }).transform(({ text }) => [text]),
  comment: z.looseObject({ body: z.string() }).transform(({ body }) => [body]),
  feishu: z
    .looseObject({ card: z.looseObject({ elements: z.array(z.looseObject({ content: z.string() })) }) })
    .transform(({ card }) => card.elements.map(({ content }) => content)),
  wecom: z
    .looseObject({ markdown_v2: z.looseObject({ content: z.string() }) })
    .transform(({ markdown_v2 }) => [markdown_v2.content]),
  dingtalk: z
    .looseObject({
      text: z.looseObject({ content: z.string() }),
      at: z.strictObject({ isAtAll: z.literal(false) }),
    })
    .transform(({ text }) => [text.content]),
};

interface Parts {
  /** What the chat reads as text. */
  outside: string;
  /** What it reads as code. */
  inside: string;
}

/** For chats whose fence is any three backticks. */
function byBackticks(text: string): Parts {
  const parts = text.split('```');
  expect(parts.length % 2).toBe(1);
  return {
    outside: parts.filter((_, at) => at % 2 === 0).join('\n'),
    inside: parts.filter((_, at) => at % 2 === 1).join('\n'),
  };
}

/** By the lines of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks). */
function byCommonMark(text: string): Parts {
  const outside: string[] = [];
  const inside: string[] = [];
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    const [, run = '', rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (fence === undefined && run !== '' && !(run.startsWith('`') && rest.includes('`'))) fence = run;
    else if (fence !== undefined && run.startsWith(fence) && rest.trim() === '') fence = undefined;
    else (fence === undefined ? outside : inside).push(line);
  }
  expect(fence).toBeUndefined();
  return { outside: outside.join('\n'), inside: inside.join('\n') };
}

/** What is left of text when code spans and escaped characters are taken out. */
function unescaped(outside: string): string {
  return outside.replace(/`[^`\n]*`/g, '').replace(/\\[\\*_~[\]<>&|#!$]/g, '');
}

const MENTION = /@(?!\u200b)/;
/** Control characters but tab and line feed, and what turns text around. */
const CONTROL = /[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;
const TAG = /<(?!\u200b)|&(?=[#\w])/;
const LINK = /\]\(/;

function expectNoMarkup({ outside }: Parts): void {
  expect(unescaped(outside)).not.toMatch(/[*_~[\]>|\\`]/);
  expect(unescaped(outside)).not.toMatch(/#/);
}

interface Chat {
  name: string;
  channel: ReplyChannel;
  address: Record<string, string>;
  secret?: string;
  texts(body: unknown): string[];
  partsOf?: (text: string) => Parts;
  check(text: string, parts: Parts): void;
}

const codeHost = (text: string, parts: Parts) => {
  expectNoMarkup(parts);
  expect(unescaped(parts.outside)).not.toMatch(/[<&]|:\/\/|www\.|[#!]\d/i);
  expect(text).not.toMatch(MENTION);
};
const byTags = (text: string) => {
  expect(text).not.toMatch(MENTION);
  expect(text).not.toMatch(TAG);
  expect(text).not.toMatch(LINK);
};
const issue = { repository: 'acme/web', issue: '1' };

const CHATS: readonly Chat[] = [
  {
    name: 'Slack',
    channel: slackReply,
    address: { responseUrl: 'https://hooks.slack.com/x' },
    texts: (body) => Marked.slack.parse(body),
    partsOf: byBackticks,
    check(text) {
      expect(text).not.toMatch(/[<>]/);
      expect(text.replace(/&(?:amp|lt|gt);/g, '')).not.toContain('&');
      expect(text).not.toMatch(MENTION);
    },
  },
  {
    name: 'Discord',
    channel: discordReply,
    address: { applicationId: '42', token: 'x' },
    texts: (body) => Marked.discord.parse(body),
    partsOf: byBackticks,
    check(text, parts) {
      expectNoMarkup(parts);
      expect(unescaped(parts.outside)).not.toContain('<');
      expect(text).not.toMatch(MENTION);
    },
  },
  {
    name: 'Mattermost',
    channel: mattermostReply,
    address: { responseUrl: 'https://chat.example.com/hooks/commands/abc' },
    secret: 'https://chat.example.com',
    texts: (body) => Marked.mattermost.parse(body),
    partsOf: byBackticks,
    check(text, parts) {
      expectNoMarkup(parts);
      expect(text).not.toMatch(MENTION);
    },
  },
  ...(['github', 'gitea', 'forgejo'] as const).map((source) => ({
    name: source,
    channel: issueCommentReply,
    address: { source, api: 'https://git.example.com/api', ...issue },
    secret: 'https://git.example.com/api#token',
    texts: (body: unknown) => Marked.comment.parse(body),
    partsOf: byCommonMark,
    check: codeHost,
  })),
  {
    name: 'GitLab',
    channel: gitlabNoteReply,
    address: { api: 'https://git.example.com', project: '1', noteable: 'issues', iid: '1' },
    secret: 'https://git.example.com#token',
    texts: (body) => Marked.comment.parse(body),
    partsOf: byCommonMark,
    check(text, parts) {
      codeHost(text, parts);
      expect(text).not.toMatch(/^\s*\//m);
    },
  },
  {
    name: 'Feishu',
    channel: feishuReply,
    address: {},
    secret: 'https://open.feishu.cn/x',
    texts: (body) => Marked.feishu.parse(body),
    partsOf: byBackticks,
    check: byTags,
  },
  {
    name: 'WeCom',
    channel: wecomReply,
    address: {},
    secret: 'https://qyapi.weixin.qq.com/x',
    texts: (body) => Marked.wecom.parse(body),
    partsOf: byBackticks,
    check: byTags,
  },
  {
    name: 'DingTalk',
    channel: dingtalkReply,
    address: {},
    secret: 'https://oapi.dingtalk.com/x',
    texts: (body) => Marked.dingtalk.parse(body),
    check: byTags,
  },
  {
    name: 'Teams',
    channel: teamsReply,
    address: {},
    secret: 'https://a.webhook.office.com/x',
    texts: textBlocks,
    check: byTags,
  },
];

/** Every TextBlock of a card, also where it stands in for a block of code. */
function textBlocks(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  const own = z.object({ type: z.literal('TextBlock'), text: z.string() }).safeParse(body).data;
  return [...(own === undefined ? [] : [own.text]), ...Object.values(body).flatMap(textBlocks)];
}

function aMessage({ reason, error, outputs }: Words) {
  const message = messageOfEvent({
    specversion: '1.0',
    id: 'x',
    type: 'fleet-reflex.run.completed',
    source: '/fleet-reflex/test/rules/patch-web',
    subject: RUN_ID,
    time: '2026-11-20T10:05:00.000Z',
    datacontenttype: 'application/json',
    data: {
      runId: RUN_ID,
      rule: 'patch-web',
      invocationIds: [],
      status: 'failed',
      reason: { code: 'x', message: reason, advice: reason },
      counts: { failed: outputs.length },
      trigger: { source: 'slack', type: 'chat.command', id: 't-1' },
      tasks: outputs.map((output, at) => ({
        taskId: `invt-${at}`,
        instanceId: `ins-${at}`,
        status: 'failed',
        providerStatus: 'FAILED',
        started: 'yes',
        output,
        outputDroppedBytes: 0,
        error: { code: 'x', message: error },
      })),
    },
  });
  if (message === undefined) throw new Error('a completed run is news');
  return message;
}

async function bodyOf({ channel, address, secret }: Chat, message: ReturnType<typeof aMessage>) {
  const request = await channel.requestFor({ message, isForCaller: false }, address, {
    secrets: async () => (secret === undefined ? [] : [secret]),
    baseOf: () => 'https://api.example.com',
    now: new Date('2026-11-20T10:05:00.000Z'),
  });
  return request?.body;
}

describe('what others wrote stays text', () => {
  it.each(CHATS)('in $name', async (chat) => {
    await fc.assert(
      fc.asyncProperty(someWords, async (given) => {
        const texts = chat.texts(await bodyOf(chat, aMessage(given)));
        expect(texts.length).toBeGreaterThan(0);
        for (const text of texts) {
          const parts = chat.partsOf?.(text) ?? { outside: text, inside: '' };
          if (chat.partsOf !== undefined) {
            expect(parts.outside).not.toContain('INSIDE');
            expect(parts.inside).not.toContain('OUTSIDE');
          }
          expect(text).not.toMatch(CONTROL);
          chat.check(text, parts);
        }
        // All of it is there: what is broken is broken invisibly.
        expect(texts.join('\n')).toContain('OUTSIDE');
      }),
      // Backticks that are dropped must not join what stood beside them.
      { numRuns: 300, examples: [[{ reason: 'OUTSIDE', error: 'OUTSIDE', outputs: ['INSIDE&`INSIDE`'] }]] },
    );
  });

  it.each(CHATS)('in $name also where a text is said', async (chat) => {
    await fc.assert(
      fc.asyncProperty(words('OUTSIDE'), async (said) => {
        const texts = chat.texts(await bodyOf(chat, messageOfText(`Said: ${said}`)));
        for (const text of texts) chat.check(text, chat.partsOf?.(text) ?? { outside: text, inside: '' });
      }),
      { numRuns: 100 },
    );
  });
});

describe('an answer at the door', () => {
  const event: DoorOutcome['event'] = {
    specversion: '1.0',
    id: 'x',
    source: 'slack',
    kind: 'chat',
    type: 'chat.command',
    time: '2026-11-20T10:05:00.000Z',
    data: { command: '/fleet', args: [], options: {}, text: '', user: { id: 'U1' }, raw: {} },
  };
  const MARKUPS: [string, Markup][] = Object.entries({
    codeHostMarkup,
    discordMarkup,
    gitlabMarkup,
    mattermostMarkup,
    plainMarkup,
    slackMarkup,
    tagMarkup,
    teamsAnswerMarkup,
  });

  it.each(MARKUPS)('mentions nobody and opens no block of code: %s', (_, markup) => {
    fc.assert(
      fc.property(words('OUTSIDE'), (said) => {
        const outcomes: DoorOutcome[] = [
          { event, matched: [{ rule: 'a', runId: RUN_ID, rejected: said }], unmatched: [] },
          { event: { ...event, id: said }, matched: [], unmatched: [{ rule: 'b', because: said }] },
          { event, matched: [], unmatched: [], text: `Said \`${said}\`` },
        ];
        const text = [answerText(outcomes, markup, 'caller'), answerText(outcomes, markup, 'channel')].join(
          '\n',
        );
        expect(text).not.toMatch(MENTION);
        expect(text).not.toContain('```');
        expect(text).not.toMatch(CONTROL);
        expect(unescaped(text)).not.toMatch(/<[!@#a]/);
      }),
    );
  });
});
