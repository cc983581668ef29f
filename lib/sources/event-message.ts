/**
 * Messages of the `events` queue. The queue policy decides who may send. The attribute `source` names the source, or a
 * source recognises the message as its own. Commands of people are never accepted here.
 */
import type { SQSRecord } from 'aws-lambda';
import { FleetReflexError } from '../errors.ts';
import { type SourceRequest, traceparentOf } from '../http/request.ts';
import type { CorrelatedLog } from '../logging.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Handled } from '../queues/consume.ts';
import { sentAt } from '../queues/sent-at.ts';
import type { WakeUpQueue } from '../queues/wake-up-queue.ts';
import type { DecideContext } from '../runs/decide.ts';
import { checkEvents, openSettings } from './queue-entry.ts';
import { requestOfMessage, type Source } from './source.ts';

export interface EventMessageContext extends Omit<DecideContext, 'ruleSet'> {
  /** Read with the first message. */
  rules: () => Promise<DecideContext['ruleSet']>;
  /** Each imported when it is needed, by its name. */
  sources: ReadonlyMap<string, () => Promise<Source>>;
  wakeUps: Pick<WakeUpQueue, 'tell'>;
  log: CorrelatedLog;
}

/** @throws FleetReflexError `event.unrecognised`, `queue.*`, `body.*` (hold: it goes to the dead-letter queue) */
export async function receiveMessage(record: SQSRecord, context: EventMessageContext): Promise<Handled> {
  const { now, log } = context;
  const ruleSet = await context.rules();
  const message = requestOfMessage(record.body);
  const source = await orHold(() => sourceOf(record, message, context.sources));
  const settings = openSettings(source, ruleSet.sources[source.name]);
  const normalisation = await orHold(() =>
    source.receiveMessage(message, { secrets: [''], now: now(), settings }),
  );
  if (normalisation.kind !== 'events') {
    const because =
      normalisation.kind === 'ignored' ? normalisation.because : 'a handshake has no place on a queue';
    log.info('event.ignored', { source: source.name, messageId: record.messageId, because });
    return { kind: 'done' };
  }
  checkEvents(source, normalisation.events);
  const traceparent = traceparentOf({ traceparent: record.messageAttributes['traceparent']?.stringValue });
  const { decide } = await import('../runs/decide.ts');
  await decide(
    normalisation.events.map(withoutAccount),
    {
      askedAt: sentAt(record, now()),
      contents: normalisation.contents,
      notes: normalisation.notes,
      traceparent,
    },
    { ...context, ruleSet },
  );
  if (normalisation.news !== undefined && normalisation.news.length > 0) {
    await context.wakeUps.tell(normalisation.news);
  }
  return { kind: 'done' };
}

/** A queue's policy says which system sent a message; nothing in it proves whose account it was. The name is shown. */
function withoutAccount(event: TriggerEvent): TriggerEvent {
  if (event.kind !== 'deploy') return event;
  const { actorId: _, ...data } = event.data;
  return { ...event, data };
}

async function sourceOf(
  record: SQSRecord,
  message: SourceRequest,
  sources: EventMessageContext['sources'],
): Promise<Source> {
  const named = record.messageAttributes['source']?.stringValue;
  const known = [...sources.keys()].join(', ');
  if (named !== undefined) {
    const source = sources.get(named);
    if (source !== undefined) return await source();
    throw new FleetReflexError(
      'event.unrecognised',
      `The message's attribute source is ${JSON.stringify(named)}, and the sources are ${known}. Correct the sender, then redrive the message.`,
    );
  }
  const body = message.json();
  const all = await Promise.all([...sources.values()].map((source) => source()));
  const own = all.filter((source) => source.recognises?.(body) === true);
  const [first, ...others] = own;
  if (first !== undefined && others.length === 0) return first;
  throw new FleetReflexError(
    'event.unrecognised',
    first === undefined
      ? `No source recognises the message. Give it the message attribute source, one of ${known}, then redrive it.`
      : `${own.map(({ name }) => name).join(' and ')} both recognise the message. Give it the message attribute source, then redrive it.`,
  );
}

/** A message that cannot be read is set aside for a person, not dropped. */
async function orHold<Value>(read: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError) || thrown.disposition !== 'drop') throw thrown;
    throw new FleetReflexError(thrown.code, thrown.message, {
      disposition: 'hold',
      details: thrown.details,
      cause: thrown,
    });
  }
}
