/**
 * The consumer of the queue `deliveries`: sends each completion event to its one destination. The queue is the record of
 * what is not out yet: a message that fails comes back by itself, a person finds what cannot be delivered in the
 * dead-letter queue.
 */
import type { SQSRecord } from 'aws-lambda';
import { FleetReflexError } from '../errors.ts';
import type { Log } from '../logging.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import { DeliveryRequest } from '../model/delivery.ts';
import { type DestinationRef, describeDestination, placeOf } from '../model/destination-ref.ts';
import { backoffMs, type Handled, receiveCount } from '../queues/consume.ts';
import { together } from '../store/together.ts';
import { type Circuit, circuit } from './circuit.ts';
import type { Delivery, Sender } from './destination.ts';
import { UNAVAILABLE } from './failure.ts';

/** A place that is down is tried so long: a weekend. */
const GIVE_UP_AFTER_MS = 72 * 3_600_000;
/** One that refuses is tried so often, in about four minutes: it may be in the middle of a deployment. */
const MAX_REFUSALS = 9;
/** From then on a person should know. */
const DOWN_AFTER_MS = 10 * 60_000;
/** What SNS, EventBridge and SQS take in a request. */
const MAX_TOGETHER = 10;

export interface DeliverContext {
  /** Opens what speaks to a destination; called once for each in a process. */
  senderOf: (ref: DestinationRef) => Promise<Sender>;
  log: Log;
  now: () => Date;
}

/** The way to one destination. */
interface Line {
  send: (event: CompletionEvent) => Promise<Delivery>;
  circuit: Circuit;
}

/** @returns the handler of one message; what it throws decides whether it comes back (lib/queues/consume.ts) */
export function deliverer(context: DeliverContext): (record: SQSRecord) => Promise<Handled> {
  const { log, now } = context;
  const lines = new Map<string, Line>();
  const lineTo = (ref: DestinationRef): Line => {
    const place = placeOf(ref);
    const line = lines.get(place) ?? openLine(ref, context);
    lines.set(place, line);
    return line;
  };

  return async (record) => {
    const { destination, event } = requestOf(record);
    const facts = { destination: describeDestination(destination), runId: event.subject, id: event.id };
    const line = lineTo(destination);
    const pauseMs = line.circuit.pauseMs();
    const received = receiveCount(record);
    const ageMs = now().getTime() - Number(record.attributes.SentTimestamp);
    if (pauseMs > 0 && ageMs < GIVE_UP_AFTER_MS) {
      const reason = `${facts.destination} did not answer a moment ago`;
      return { kind: 'retry', retryAfterMs: Math.max(pauseMs, backoffMs(received)), reason };
    }
    const delivery = await line.send(event);
    if (delivery.kind === 'delivered') {
      log.info('delivery.sent', { ...facts, type: event.type });
      return { kind: 'done' };
    }
    const { error } = delivery;
    if (error.disposition !== 'retry') throw error;
    if (error.code !== UNAVAILABLE) throw received < MAX_REFUSALS ? error : kept(error);
    if (ageMs >= GIVE_UP_AFTER_MS) throw kept(error);
    if (ageMs >= DOWN_AFTER_MS) log.error('destination.down', { ...facts, ageMs, error: error.message });
    throw error;
  };
}

function openLine(ref: DestinationRef, { senderOf, now }: DeliverContext): Line {
  let sender: Promise<Sender> | undefined;
  const state = circuit(now);
  const send = together<CompletionEvent, Delivery>(
    async (events) => {
      sender ??= senderOf(ref);
      const opened = await sender.catch((thrown: unknown) => {
        sender = undefined;
        throw thrown;
      });
      const deliveries = await opened.send(events);
      const down = deliveries.flatMap((one) =>
        one.kind === 'failed' && one.error.code === UNAVAILABLE ? [one.error] : [],
      );
      if (down.length === 0 || down.length < deliveries.length) state.succeeded();
      else state.failed(longest(down));
      return deliveries;
    },
    { max: MAX_TOGETHER },
  );
  return { send, circuit: state };
}

function longest(errors: readonly FleetReflexError[]): number | undefined {
  const asked = errors.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
  return asked.length === 0 ? undefined : Math.max(...asked);
}

/** For the dead-letter queue, in the words of the last try. */
function kept({ code, message, details, cause }: FleetReflexError): FleetReflexError {
  return new FleetReflexError(code, message, { disposition: 'hold', details, cause });
}

/** @throws FleetReflexError `delivery.invalid` (hold): a newer version has written it, or it is none of ours */
function requestOf({ body }: SQSRecord): DeliveryRequest {
  const invalid = (why: string, cause?: unknown) =>
    new FleetReflexError(
      'delivery.invalid',
      `Expected a delivery of version 1, ${why}. If a newer version of fleet-reflex wrote it, deploy that and run \`fleet-reflex redrive deliveries\`; otherwise find out who may send to the queue.`,
      { disposition: 'hold', cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw invalid('and it is no JSON', cause);
  }
  const request = DeliveryRequest.safeParse(value);
  if (request.success) return request.data;
  const fields = request.error.issues.map(({ path }) => path.join('.') || 'the whole').join(', ');
  throw invalid(`and these fields are otherwise: ${fields}`);
}
