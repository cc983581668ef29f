/** What a message of a dead-letter queue is: for filters, and in one line for people. */
import type { Message } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { printable } from '../../../lib/model/printable.ts';
import { FIRST_SENT, firstSent } from '../../../lib/queues/sent-at.ts';

export interface MessageFacts {
  /** Its ids: of the message, of the one that was set aside, of its run. */
  ids: readonly string[];
  /** Why it was set aside; absent: it failed each time. */
  reason?: string | undefined;
  explanation?: string | undefined;
  /** `run`, `cancel`, `event`, a type of completion event. */
  what: string;
  rule?: string | undefined;
  source?: string | undefined;
  /** When it was first sent. */
  sentAt?: Date | undefined;
}

const text = z.string().optional().catch(undefined);
const Trigger = z.looseObject({ source: text, type: text, subject: text }).optional().catch(undefined);
/** Of a run request, a record, a completion event, a wake-up; whatever else it is, it is an event. */
const Body = z.looseObject({
  action: text,
  type: text,
  runId: text,
  rule: text,
  source: text,
  trigger: Trigger,
  data: z.looseObject({ runId: text, rule: text, trigger: Trigger }).optional().catch(undefined),
});

export function factsOf({ MessageId = '', Body: body = '', ...message }: Message): MessageFacts {
  const attribute = (name: string) => message.MessageAttributes?.[name]?.StringValue;
  const { action, type, data, ...said } = bodyOf(body);
  const trigger = said.trigger ?? data?.trigger;
  const sentMs = firstSent(message.Attributes?.SentTimestamp, attribute(FIRST_SENT));
  const ids = [MessageId, attribute('originalMessageId'), attribute('runId'), said.runId, data?.runId];
  return {
    ids: ids.filter((id) => id !== undefined),
    reason: attribute('reason'),
    explanation: attribute('explanation'),
    what: action === 'event' ? 'record' : (action ?? type ?? 'message'),
    rule: attribute('rule') ?? said.rule ?? data?.rule,
    source: attribute('source') ?? trigger?.source ?? said.source,
    sentAt: sentMs === undefined ? undefined : new Date(Number(sentMs)),
  };
}

/** `<id>  2h  run of restart-web, alertmanager  guard.lock: …` */
export function lineOf(message: Message, now: Date): string {
  const { reason, explanation = '', what, rule, source, sentAt } = factsOf(message);
  const of = [...(rule === undefined ? [] : [`of ${rule}`]), ...(source === undefined ? [] : [source])];
  const why = reason === undefined ? 'failed each time' : `${reason}: ${explanation}`;
  const parts = [
    message.MessageId,
    ageOf(sentAt, now),
    [what, ...of].join(', ').replace(', of ', ' of '),
    why,
  ];
  return printable(parts.join('  ').replaceAll(/\s*\n\s*/g, ' '));
}

function bodyOf(body: string): z.infer<typeof Body> {
  try {
    return Body.safeParse(JSON.parse(body)).data ?? {};
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

function ageOf(sentAt: Date | undefined, now: Date): string {
  if (sentAt === undefined) return '?';
  const ms = Math.max(0, now.getTime() - sentAt.getTime());
  const [unit, size] = UNITS.find(([, least]) => ms >= least) ?? ['s', 1000];
  return `${Math.floor(ms / size)}${unit}`;
}
