/** Takes a message of the `records` queue to the table: what was decided about one event. */
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { EventRecord } from '../model/decision.ts';
import type { Handled } from '../queues/consume.ts';
import type { EventLog } from '../store/event-log.ts';

/** @throws FleetReflexError `record.invalid` (hold): it is not of this version, or not of ours */
export async function keepRecord(
  { body }: Pick<SQSRecord, 'body'>,
  { events }: { events: Pick<EventLog, 'put'> },
): Promise<Handled> {
  await events.put(parse(body));
  return { kind: 'done' };
}

function parse(body: string): EventRecord {
  const record = EventRecord.safeParse(jsonOrNothing(body));
  if (record.success) return record.data;
  throw new FleetReflexError(
    'record.invalid',
    `A message of the records queue must be the record of a decision of version 1, and ${z.prettifyError(record.error).replaceAll('\n', ' ')}. Nothing was kept. Look at who sent it; a newer version of fleet-reflex may understand it.`,
    { disposition: 'hold', cause: record.error },
  );
}

function jsonOrNothing(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
