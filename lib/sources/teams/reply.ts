/**
 * Microsoft Teams: an Adaptive Card to an incoming web hook of the channel (a workflow, or an older connector), for
 * outgoing web hooks take no second answer.
 * https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
import { botWebhookFor } from '../shared/bot-webhook.ts';
import type { ReplyChannel, Verdict } from '../shared/channel.ts';
import { mark, plainMarkup } from '../shared/chat-markup.ts';
import { headOf, tailOf } from '../shared/message-text.ts';
import type { RunMessage } from '../shared/run-message.ts';

/** A card has at most 28 KB. */
const MAX_TEXT = 6000;
const MAX_OUTPUT = 1500;
const MAX_SCRIPT = 3000;
const MAX_OUTPUTS = 6;
const COLOURS = { progress: 'accent', good: 'good', bad: 'attention' } as const;

export const teamsReply: ReplyChannel = {
  via: 'teams',
  hosts: ['.webhook.office.com', '.logic.azure.com', '.api.powerplatform.com'],
  async requestFor({ message }, { channel }, context) {
    const webhook = await botWebhookFor('teams', channel, context);
    if (webhook === undefined) return undefined;
    return {
      url: webhook.url,
      body: {
        type: 'message',
        attachments: [
          {
            contentType: 'application/vnd.microsoft.card.adaptive',
            content: {
              $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
              type: 'AdaptiveCard',
              version: '1.5',
              body: bodyOf(message),
            },
          },
        ],
      },
    };
  },
  /** Older connectors answer 200 and report the failure in the text. */
  judge(body): Verdict {
    if (!body.includes('delivery failed')) return 'arrived';
    return /HTTP error (?:429|5\d\d)/.test(body) ? 'busy' : 'gone';
  },
};

function bodyOf(message: RunMessage): unknown[] {
  const { tone, headline, facts, tasks, cancelRunId, approveRunId: run, script } = message;
  const cancel = cancelRunId === undefined ? [] : [`To cancel, mention the bot: cancel ${cancelRunId}`];
  const approve = run === undefined ? [] : [`To decide, mention the bot: approve ${run} or deny ${run}`];
  const lines = [...facts, ...tasks.map(({ line }) => `• ${line}`), ...cancel, ...approve];
  const outputs = tasks.filter(({ output }) => output !== '').slice(0, MAX_OUTPUTS);
  return [
    { ...text(marked(headline)), weight: 'bolder', color: COLOURS[tone] },
    ...(lines.length === 0 ? [] : [text(lines.map(marked).join('\n\n').slice(0, MAX_TEXT))]),
    ...(script === undefined ? [] : [code(headOf(script, MAX_SCRIPT))]),
    ...outputs.flatMap(({ line, output }) => [
      text(marked(line.split(':', 1)[0] ?? '')),
      code(tailOf(output, MAX_OUTPUT)),
    ]),
  ];
}

/** Older clients do not know code blocks. */
function code(snippet: string) {
  return {
    type: 'CodeBlock',
    language: 'PlainText',
    codeSnippet: snippet,
    fallback: {
      ...text(plainMarkup.code(snippet).replaceAll('`', '').replaceAll('\n', '\n\n')),
      fontType: 'Monospace',
    },
  };
}

function marked(line: string): string {
  return mark(line, plainMarkup);
}

function text(value: string) {
  return { type: 'TextBlock', wrap: true, text: value };
}
