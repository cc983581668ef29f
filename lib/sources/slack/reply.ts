/**
 * Slack: Block Kit to a command's `response_url` (five times within 30 minutes), or, for mentions, which have none,
 * `chat.postMessage` with the bot's token, `chat.postEphemeral` for what is the caller's alone. https://docs.slack.dev/interactivity/handling-user-interaction
 */
import * as z from 'zod';
import type { ReplyChannel, Verdict } from '../shared/channel.ts';
import { mark, slackMarkup } from '../shared/chat-markup.ts';
import { headOf, tailOf, toText } from '../shared/message-text.ts';
import type { RunMessage } from '../shared/run-message.ts';

const Address = z.union([
  z.object({ responseUrl: z.url() }),
  z.object({ channel: z.string(), thread: z.string().optional(), user: z.string().optional() }),
]);
const Answer = z.object({ ok: z.boolean(), error: z.string().optional() });

/** A section's text has 3,000 characters, a message 50 blocks. */
const MAX_SECTION = 2900;
const MAX_OUTPUT = 1500;
const MAX_SCRIPT = 2500;
const MAX_OUTPUTS = 10;
/** As written: Slack finds no link, channel or mention in it that is not marked up as one. */
const WORDS = { type: 'mrkdwn', verbatim: true } as const;
/** Suppresses previews of links in quoted text. */
const PLAIN = { parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false } as const;

export const slackReply: ReplyChannel = {
  via: 'slack',
  hosts: ['hooks.slack.com', 'slack.com'],
  tellsCaller(given) {
    const address = Address.safeParse(given).data;
    if (address === undefined) return false;
    return 'responseUrl' in address || address.user !== undefined || isDirect(address.channel);
  },
  async requestFor({ message, isForCaller }, given, { secrets, baseOf }) {
    const address = Address.safeParse(given).data;
    if (address === undefined) return undefined;
    const { cancelRunId: _cancel, approveRunId: _approve, ...words } = message;
    const content = {
      // For notifications, and clients without blocks.
      text: toText(words, { limit: MAX_SECTION, markup: slackMarkup }),
      blocks: blocksOf(message),
      ...PLAIN,
    };
    if ('responseUrl' in address) {
      return {
        url: new URL(address.responseUrl),
        body: {
          response_type: isForCaller ? 'ephemeral' : 'in_channel',
          replace_original: false,
          ...content,
        },
      };
    }
    const [token] = await secrets('slack');
    if (token === undefined) return undefined;
    const { channel, thread, user } = address;
    const body = { channel, ...(thread !== undefined && { thread_ts: thread }), ...content };
    const headers = { authorization: `Bearer ${token}` };
    // Slack shows it in a thread that there is: the answer to the mention has begun one.
    return isForCaller && !isDirect(channel)
      ? { url: new URL(`${baseOf('slack')}/api/chat.postEphemeral`), headers, body: { ...body, user } }
      : { url: new URL(`${baseOf('slack')}/api/chat.postMessage`), headers, body };
  },
  judge(body): Verdict {
    const answer = Answer.safeParse(parsedOrNothing(body)).data;
    // A response_url says `ok`, and errors by status.
    if (answer === undefined || answer.ok) return 'arrived';
    return BUSY.has(answer.error ?? '') ? 'busy' : 'gone';
  },
};

/** A conversation of the app and one person. */
function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

const BUSY: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
]);

function blocksOf(message: RunMessage): unknown[] {
  const { cancelRunId, approveRunId, script, tasks } = message;
  const lines = [message.headline, ...message.facts, ...tasks.map(({ line }) => `• ${line}`)];
  const outputs = tasks.filter(({ output }) => output !== '').slice(0, MAX_OUTPUTS);
  return [
    section(lines.map((line) => mark(line, slackMarkup)).join('\n')),
    ...outputs.map(({ line, output }) => ({
      type: 'section',
      text: {
        ...WORDS,
        text: `*${slackMarkup.text(line.split(':', 1)[0] ?? '')}*\n${slackMarkup.block(tailOf(slackMarkup.code(output), MAX_OUTPUT))}`,
      },
    })),
    ...(script === undefined
      ? []
      : [
          {
            type: 'section',
            text: { ...WORDS, text: slackMarkup.block(headOf(slackMarkup.code(script), MAX_SCRIPT)) },
          },
        ]),
    ...(approveRunId === undefined ? [] : [approvalButtons(approveRunId)]),
    ...(cancelRunId === undefined ? [] : [cancelButton(cancelRunId)]),
  ];
}

function section(text: string): unknown {
  const cut = text.length > MAX_SECTION ? `${text.slice(0, MAX_SECTION)}…` : text;
  return { type: 'section', text: { ...WORDS, text: cut } };
}

/** Read as the commands `approve` and `deny`; whoever presses is checked as if they had typed it. */
function approvalButtons(runId: string): unknown {
  const button = (action: string, text: string, style: string) => ({
    type: 'button',
    action_id: action,
    value: runId,
    style,
    text: { type: 'plain_text', text },
  });
  return {
    type: 'actions',
    elements: [button('approve', 'Approve', 'primary'), button('deny', 'Deny', 'danger')],
  };
}

/** lib/sources/slack/payload.ts reads it as the command `cancel` with the run as its text. */
function cancelButton(runId: string): unknown {
  return {
    type: 'actions',
    elements: [
      {
        type: 'button',
        action_id: 'cancel',
        value: runId,
        style: 'danger',
        text: { type: 'plain_text', text: 'Cancel' },
        confirm: {
          title: { type: 'plain_text', text: 'Cancel the run?' },
          text: { type: 'plain_text', text: 'What it has done on the instances stays done.' },
          confirm: { type: 'plain_text', text: 'Cancel it' },
          deny: { type: 'plain_text', text: 'Leave it' },
        },
      },
    ],
  };
}

function parsedOrNothing(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
