/**
 * Takes a message of the `records` queue to the table: what was decided about one event, or a redrive, which the command
 * line does itself. Who redrove is who sent the message, by SQS and not by the message.
 */
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { senderActor } from '../model/actor.ts';
import { type AuditEntry, auditEntry } from '../model/audit-entry.ts';
import { EventRecord } from '../model/decision.ts';
import { RedriveNote } from '../model/redrive-note.ts';
import type { Handled } from '../queues/consume.ts';
import { deadLetterName } from '../queues/names.ts';
import type { AuditLog } from '../store/audit-log.ts';
import type { EventLog } from '../store/event-log.ts';

/** @throws FleetReflexError `record.invalid` (hold): it is not of this version, or not of ours */
export async function keepRecord(
  message: Pick<SQSRecord, 'body' | 'messageId' | 'attributes'>,
  { events, audit }: { events: Pick<EventLog, 'put'>; audit: Pick<AuditLog, 'add'> },
): Promise<Handled> {
  const body = jsonOrNothing(message.body);
  const redrive = RedriveNote.safeParse(body);
  if (redrive.success) await audit.add(redriveEntry(redrive.data, message));
  else await events.put(parse(body));
  return { kind: 'done' };
}

function redriveEntry(
  { queue, count, at }: RedriveNote,
  { messageId, attributes }: Pick<SQSRecord, 'messageId' | 'attributes'>,
): AuditEntry {
  return auditEntry({
    id: `queue.redriven/${messageId}`,
    at,
    act: 'queue.redriven',
    actor: senderActor(attributes.SenderId),
    message: `${count} messages were moved from ${deadLetterName(queue)} back to ${queue}.`,
    details: { queue, count: String(count) },
  });
}

function parse(body: unknown): EventRecord {
  const record = EventRecord.safeParse(body);
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
