/**
 * A CloudWatch log group: each event is one JSON line. The time of a line is that of its delivery: CloudWatch rejects
 * lines that are older than the group keeps them, and requests that span a day. The event's own time is in it.
 */
import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import type { FleetReflexError } from '../errors.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import { inBatches } from '../queues/in-batches.ts';
import type { Delivery, Sender } from './destination.ts';
import { awsFailure, missing, unavailable } from './failure.ts';

type LogRef = Extract<DestinationRef, { log: string }>;

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
const LIMITS = { entries: 10_000, bytes: 1_048_576 };
const LINE_BYTES = 26;
const REMEDY =
  'Check that the role of `deliver` may `logs:CreateLogStream` and `logs:PutLogEvents` in this group.';

export interface LogOptions {
  stage: string;
  now: () => Date;
}

export function logSender(client: CloudWatchLogsClient, ref: LogRef, { stage, now }: LogOptions): Sender {
  return {
    async send(events) {
      const size = (event: CompletionEvent) => Buffer.byteLength(JSON.stringify(event)) + LINE_BYTES;
      const batches = inBatches(events, size, LIMITS);
      return (await Promise.all(batches.map((batch) => putLines(batch)))).flat();
    },
  };

  async function putLines(events: readonly CompletionEvent[]): Promise<Delivery[]> {
    const at = now();
    // A stream for each day: no sequence tokens any more, so that any number of processes may write to it.
    const logStreamName = `fleet-reflex/${stage}/${at.toISOString().slice(0, 10)}`;
    const lines = events.map((event) => ({ timestamp: at.getTime(), message: JSON.stringify(event) }));
    const place = { logGroupName: ref.log, logStreamName };
    const put = () => client.send(new PutLogEventsCommand({ ...place, logEvents: lines }));
    try {
      const answer = await put().catch(async (thrown: unknown) => {
        if (!(thrown instanceof ResourceNotFoundException)) throw thrown;
        // The day's first line; or there is no group, which the next call says.
        await createStream(place);
        return await put();
      });
      return lines.map((_, index) => {
        const error = rejectionOf(answer, index);
        return error === undefined ? { kind: 'delivered' } : { kind: 'failed', error };
      });
    } catch (thrown) {
      const isGone = thrown instanceof ResourceNotFoundException;
      const error = isGone ? missing(ref, thrown) : awsFailure(ref, thrown, REMEDY);
      return events.map(() => ({ kind: 'failed', error }));
    }
  }

  async function createStream(place: { logGroupName: string; logStreamName: string }): Promise<void> {
    try {
      await client.send(new CreateLogStreamCommand(place));
    } catch (thrown) {
      // Another process was first.
      if (!(thrown instanceof ResourceAlreadyExistsException)) throw thrown;
    }
  }

  /** The answer is 200 also where lines were rejected: too old ones come first, too new ones last. */
  function rejectionOf(
    { rejectedLogEventsInfo: info }: PutLogEventsCommandOutput,
    index: number,
  ): FleetReflexError | undefined {
    const tooOld = Math.max(info?.tooOldLogEventEndIndex ?? 0, info?.expiredLogEventEndIndex ?? 0);
    const tooNew = info?.tooNewLogEventStartIndex ?? Number.MAX_SAFE_INTEGER;
    if (index >= tooOld && index < tooNew) return undefined;
    return unavailable(ref, `CloudWatch takes the line's time for too ${index < tooOld ? 'old' : 'new'}`);
  }
}
