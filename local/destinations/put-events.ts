/**
 * EventBridge's PutEvents. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * An answer is 200 also where entries failed: each says for itself.
 */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Arrivals } from './arrival.ts';
import { AwsError } from './aws-error.ts';

const Request = z.object({
  Entries: z
    .array(
      z.object({
        EventBusName: z.string().default('default'),
        Source: z.string().optional(),
        DetailType: z.string().optional(),
        Detail: z.string().optional(),
        Time: z.number().optional(),
      }),
    )
    .min(1)
    .max(10),
});
const MAX_BYTES = 256 * 1024;

type Entry = z.infer<typeof Request>['Entries'][number];

/** @param buses that there are */
export function putEvents(input: unknown, buses: ReadonlySet<string>, arrivals: Arrivals) {
  const request = Request.safeParse(input);
  if (!request.success) throw new AwsError('ValidationException', request.error.message);
  const { Entries } = request.data;
  const bytes = Entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (bytes >= MAX_BYTES) {
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  const results = Entries.map((entry) => {
    const failure = failureOf(entry, buses);
    if (failure !== undefined) return failure;
    arrivals.add({
      at: new Date().toISOString(),
      kind: 'eventbridge',
      place: entry.EventBusName,
      event: JSON.parse(entry.Detail ?? ''),
    });
    return { EventId: randomUUID() };
  });
  return {
    FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
    Entries: results,
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
function bytesOf({ Time, Source = '', DetailType = '', Detail = '' }: Entry): number {
  return (Time === undefined ? 0 : 14) + Buffer.byteLength(Source + DetailType + Detail);
}

function failureOf({ EventBusName, Source, DetailType, Detail }: Entry, buses: ReadonlySet<string>) {
  const invalid = (ErrorMessage: string) => ({ ErrorCode: 'InvalidArgument', ErrorMessage });
  if (!Source) return invalid('Parameter Source is not valid. Reason: Source is a required argument.');
  if (!DetailType)
    return invalid('Parameter DetailType is not valid. Reason: DetailType is a required argument.');
  if (!Detail) return invalid('Parameter Detail is not valid. Reason: Detail is a required argument.');
  if (!isObject(Detail)) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  // AWS is not strict here. Who starts the stack has all buses of the rules, so that this is a mistake.
  if (!buses.has(EventBusName)) return invalid(`There is no event bus ${EventBusName} on this machine.`);
  return undefined;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
