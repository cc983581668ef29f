/**
 * CloudWatch Logs' CreateLogStream and PutLogEvents.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
import * as z from 'zod';
import type { Arrivals } from './arrival.ts';
import { AwsError } from './aws-error.ts';

const Place = z.object({
  logGroupName: z.string().min(1),
  logStreamName: z.string().regex(/^[^:*]{1,512}$/),
});
const Lines = Place.extend({
  logEvents: z
    .array(z.object({ timestamp: z.int().nonnegative(), message: z.string().min(1) }))
    .min(1)
    .max(10_000),
});
const MAX_BYTES = 1_048_576;
const LINE_BYTES = 26;
const DAY_MS = 86_400_000;

export interface LogGroups {
  createLogStream(input: unknown): object;
  putLogEvents(input: unknown): object;
}

/** @param groups that there are */
export function logGroups(groups: ReadonlySet<string>, arrivals: Arrivals): LogGroups {
  const streams = new Set<string>();
  const keyOf = ({ logGroupName, logStreamName }: z.infer<typeof Place>) =>
    `${logGroupName}:${logStreamName}`;
  const checkGroup = (name: string) => {
    if (!groups.has(name)) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    }
  };
  return {
    createLogStream(input) {
      const place = parse(Place, input);
      checkGroup(place.logGroupName);
      if (streams.has(keyOf(place))) {
        throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
      }
      streams.add(keyOf(place));
      return {};
    },
    putLogEvents(input) {
      const { logEvents, ...place } = parse(Lines, input);
      checkGroup(place.logGroupName);
      if (!streams.has(keyOf(place))) {
        throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
      }
      checkBatch(logEvents);
      const now = Date.now();
      const tooOld = logEvents.findLastIndex(({ timestamp }) => timestamp < now - 14 * DAY_MS) + 1;
      const tooNew = logEvents.findIndex(({ timestamp }) => timestamp > now + 2 * 3_600_000);
      const taken = logEvents.slice(tooOld, tooNew < 0 ? undefined : tooNew);
      for (const { timestamp, message } of taken) {
        arrivals.add({
          at: new Date(timestamp).toISOString(),
          kind: 'log',
          place: place.logGroupName,
          event: JSON.parse(message),
        });
      }
      if (tooOld === 0 && tooNew < 0) return {};
      return {
        rejectedLogEventsInfo: {
          ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
          ...(tooNew >= 0 && { tooNewLogEventStartIndex: tooNew }),
        },
      };
    },
  };
}

function checkBatch(lines: z.infer<typeof Lines>['logEvents']): void {
  const bytes = lines.reduce((sum, { message }) => sum + Buffer.byteLength(message) + LINE_BYTES, 0);
  const isOrdered = lines.every(({ timestamp }, index) => timestamp >= (lines[index - 1]?.timestamp ?? 0));
  const span = (lines.at(-1)?.timestamp ?? 0) - (lines[0]?.timestamp ?? 0);
  if (bytes <= MAX_BYTES && isOrdered && span <= DAY_MS) return;
  throw new AwsError(
    'InvalidParameterException',
    'Log events in a single PutLogEvents request must be in chronological order, span at most 24 hours and have 1,048,576 bytes at most.',
  );
}

function parse<Value>(schema: z.ZodType<Value>, input: unknown): Value {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AwsError('InvalidParameterException', parsed.error.message);
}
