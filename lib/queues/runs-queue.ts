/** The `runs` queue's sending side: run requests are durable here before any door answers. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError } from '../errors.ts';
import type { EventRecord } from '../model/decision.ts';
import type { RunRequest } from '../model/run-request.ts';
import { messageText } from './message-text.ts';
import { toRecordMessage } from './records-queue.ts';
import { bytesOf, MAX_BYTES, type OutgoingMessage, sendMessages } from './send-messages.ts';

export interface RunsQueue {
  /**
   * Resolves when all of them are durable. Safe to call again with the same requests: a run id is a run once.
   * @param records of the events that start these runs: in one batch they cost no call of their own. Default: none
   * @throws FleetReflexError `queue.unavailable` (retry), `request.tooLarge` (drop)
   */
  send(requests: readonly RunRequest[], records?: readonly EventRecord[]): Promise<void>;
}

export function runsQueue(client: SQSClient, url: string): RunsQueue {
  return {
    send: async (requests, records = []) =>
      await sendMessages({ client, url, name: 'runs' }, [
        ...requests.map(toFittingMessage),
        ...records.map(toRecordMessage),
      ]),
  };
}

/** Whether the request fits in a message; `send` refuses one that does not. */
export function fitsInMessage(runRequest: RunRequest): boolean {
  return bytesOf(toMessage(runRequest)) <= MAX_BYTES;
}

function toFittingMessage(runRequest: RunRequest): OutgoingMessage {
  const message = toMessage(runRequest);
  const bytes = bytesOf(message);
  if (bytes <= MAX_BYTES) return message;
  throw new FleetReflexError(
    'request.tooLarge',
    `What the rule ${runRequest.rule} asks for takes ${bytes} bytes; a message holds ${MAX_BYTES}. Fewer instances or shorter parameters fit.`,
  );
}

function toMessage(runRequest: RunRequest): OutgoingMessage {
  const { runId, rule, trigger } = runRequest;
  return { body: messageText(runRequest), attributes: { runId, rule }, tenant: trigger.source };
}
