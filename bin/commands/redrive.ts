/** `fleet-reflex redrive`: gives what is in a dead-letter queue another try. */
import { parseArgs } from 'node:util';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { environment } from '../../lib/config.ts';
import { messageOf } from '../../lib/errors.ts';
import type { RedriveNote } from '../../lib/model/redrive-note.ts';
import { deadLetterName, nameInAccount, QUEUES } from '../../lib/queues/names.ts';
import { parseDuration } from '../../lib/rules/duration.ts';
import { type Command, UsageError } from '../command.ts';
import { queuePrefix } from '../queue-prefix.ts';
import { isWanted, type Wanted } from './redrive/filter.ts';
import { MAX_HELD } from './redrive/held.ts';
import { lineOf } from './redrive/message-facts.ts';
import { type Redriven, redriveQueue } from './redrive/redrive-queue.ts';

export const command: Command = {
  summary: 'move the messages of a dead-letter queue back to their queue',
  usage: `fleet-reflex redrive <queue> [filters] [--limit <n>] [--dry-run] [--local | --stage <stage>]

  <queue>           ${QUEUES.join(', ')}, or a queue of your destinations: what is in
                    <queue>-dlq goes back to <queue>
  --reason <code>   only those that were set aside for that; none: those that failed each time
  --rule <rule>     only those of that rule
  --source <name>   only those of that source
  --older <2h>      only those that were first sent longer ago
  --newer <2h>      only those that were first sent since then
  --id <id>         only that message or run; several: repeat it
  --limit <n>       at most so many (default 100, at most ${MAX_HELD})
  --dry-run         shows each in a line, and moves nothing
  --stage <stage>   whose queues; else as STAGE or QUEUE_PREFIX say, else queues of plain names
  --local           the local stack's SQS; else AWS as AWS_REGION, AWS_PROFILE and the like say

A run request that was carried out already changes nothing: its run id is known. What is not meant stays, and is visible
to others again when the command ends. What comes back at once is not moved again; exit code 1 then, and when SQS refused
a message. Ctrl-C finishes the batch at hand and loses nothing.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        reason: { type: 'string' },
        rule: { type: 'string' },
        source: { type: 'string' },
        older: { type: 'string' },
        newer: { type: 'string' },
        id: { type: 'string', multiple: true },
        limit: { type: 'string' },
        'dry-run': { type: 'boolean' },
        local: { type: 'boolean' },
        stage: { type: 'string' },
      },
    });
    const [queue, ...rest] = positionals;
    if (queue === undefined || rest.length > 0) throw new UsageError('Which queue?');
    const limit = Number(values.limit ?? 100);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HELD)
      throw new UsageError(`--limit ${values.limit}: expected a number from 1 to ${MAX_HELD}.`);
    if (values.local === true && values.stage !== undefined)
      throw new UsageError('--local is a deployment of its own: leave --stage out.');
    const prefix = values.local === true ? '' : queuePrefix(values.stage);
    const isDryRun = values['dry-run'] === true;
    const now = new Date();
    const { reason, rule, source, older, newer, id: ids = [] } = values;
    const wanted: Wanted = {
      reason,
      rule,
      source,
      ids,
      before: ago('--older', older, now),
      after: ago('--newer', newer, now),
    };
    const stop = new AbortController();
    // A second Ctrl-C ends the process; SQS shows what it hid after half an hour.
    const onInterrupt = () => stop.abort();
    process.once('SIGINT', onInterrupt);
    try {
      const client = new SQSClient(values.local === true ? local() : {});
      const done = await redriveQueue({
        client,
        queue,
        queuePrefix: prefix,
        limit,
        isDryRun,
        isWanted: (message) => isWanted(message, wanted),
        signal: stop.signal,
        onMessage: (message) => console.log(lineOf(message, now)),
        onProgress: progressEvery(PROGRESS_MS),
      });
      if (!isDryRun && done.count > 0) await putOnRecord(client, prefix, queue, done.count, now);
      return report(nameInAccount(queue, prefix), done, { isDryRun, isStopped: stop.signal.aborted });
    } finally {
      process.off('SIGINT', onInterrupt);
    }
  },
};

const PROGRESS_MS = 2_000;

/** On the error stream, so that lines can be piped on. */
function progressEvery(ms: number): (progress: Redriven) => void {
  let nextMs = Date.now() + ms;
  return ({ count, left, total }) => {
    if (Date.now() < nextMs) return;
    nextMs = Date.now() + ms;
    console.error(`… ${count + left} of about ${total} looked at, ${left} of them not meant`);
  };
}

/** @returns the exit code */
function report(
  queue: string,
  { count, left, cameBack, failures, isCutShort, total }: Redriven,
  { isDryRun, isStopped }: { isDryRun: boolean; isStopped: boolean },
): number {
  const from = deadLetterName(queue);
  console.log(isDryRun ? `${count} in ${from}.` : `${count} moved from ${from} to ${queue}.`);
  const moved = isDryRun ? 0 : count;
  if (left > 0) console.log(`${left} that are not meant stay in ${from}.`);
  if (isStopped)
    console.error(`Stopped. Nothing is lost; about ${Math.max(0, total - moved)} stay in ${from}.`);
  else if (isCutShort && cameBack === 0 && total > count + left)
    console.error(`About ${total - count - left} more were not looked at: raise --limit, or repeat it.`);
  for (const failure of failures) console.error(failure);
  if (cameBack > 0) console.error(`${cameBack} of them came back at once: their cause is not gone.`);
  return cameBack > 0 || failures.length > 0 || isStopped ? 1 : 0;
}

/** SQS says who sent it; the function `records` puts it into the audit. */
async function putOnRecord(
  client: SQSClient,
  prefix: string,
  queue: string,
  count: number,
  now: Date,
): Promise<void> {
  const note: RedriveNote = { version: 1, action: 'redrive', queue, count, at: now.toISOString() };
  try {
    const QueueName = nameInAccount('records', prefix);
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName }));
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(note) }));
  } catch (thrown) {
    console.error(`It was moved, and the audit does not say so: ${messageOf(thrown)}`);
  }
}

function ago(option: string, text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new UsageError(`${option} ${text}: expected a duration like 30m or 2h.`);
  return new Date(now.getTime() - ms);
}

function local() {
  return {
    endpoint: environment['AWS_ENDPOINT_URL_SQS'] ?? `http://127.0.0.1:${environment['SQS_PORT'] ?? 4566}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
}
