/**
 * The destinations that a run can tell. Events for an SQS queue are put there at once; what it does not take, and what is
 * for another kind of destination, goes on the queue `deliveries`: so one that is down keeps no run waiting and repeats
 * nothing to the others.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../logging.ts';
import { type DestinationRef, describeDestination, placeOf } from '../model/destination-ref.ts';
import type { DeliveriesQueue } from '../queues/deliveries-queue.ts';
import type { Destination, DestinationResolver } from './destination.ts';
import { type SqsRef, sqsSender } from './sqs-destination.ts';

export interface DestinationsOptions {
  client: SQSClient;
  /** What the names of the deployment's own queues begin with. Default: nothing. */
  queuePrefix?: string;
  deliveries: DeliveriesQueue;
  log: Pick<Log, 'warn'>;
}

/** One resolver per function instance: queue URLs are cached. */
export function destinationsOf(options: DestinationsOptions): DestinationResolver {
  const known = new Map<string, Destination>();
  return (ref) => {
    const place = placeOf(ref);
    const found = known.get(place) ?? open(ref, options);
    known.set(place, found);
    return found;
  };
}

function open(ref: DestinationRef, options: DestinationsOptions): Destination {
  if ('sqs' in ref) return queueOr(ref, options);
  return { send: async (events) => await options.deliveries.put(ref, events) };
}

function queueOr(ref: SqsRef, { client, queuePrefix, deliveries, log }: DestinationsOptions): Destination {
  const sender = sqsSender(client, ref, queuePrefix);
  return {
    async send(events) {
      const outcomes = await sender.send(events);
      const failed = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error] : []));
      if (failed.length === 0) return;
      log.warn('destination.queued', {
        destination: describeDestination(ref),
        events: failed.length,
        code: failed[0]?.code,
        error: failed[0]?.message,
      });
      await deliveries.put(
        ref,
        events.filter((_, index) => outcomes[index]?.kind !== 'delivered'),
      );
    },
  };
}
