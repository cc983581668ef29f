/** `fleet-reflex redrive`: gives what is in a dead-letter queue another try. */
import { parseArgs } from 'node:util';
import { type Message, SQSClient } from '@aws-sdk/client-sqs';
import { environment } from '../../lib/config.ts';
import { type Command, UsageError } from '../command.ts';
import { redriveQueue } from '../redrive-queue.ts';

export const command: Command = {
  summary: 'move the messages of a dead-letter queue back to their queue',
  usage: `fleet-reflex redrive <queue> [--limit <n>] [--dry-run] [--local]

  <queue>    events, runs, records, wake-up or completions: what is in <queue>-dlq goes back to <queue>
  --dry-run  says what is there and why, and moves nothing
  --limit    at most so many (default 100)
  --local    the local stack's SQS; else AWS as AWS_REGION, AWS_PROFILE and the like say

A run request that was carried out already changes nothing: its run id is known. What comes back at once is not moved
again; exit code 1 then.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { limit: { type: 'string' }, 'dry-run': { type: 'boolean' }, local: { type: 'boolean' } },
    });
    const [queue, ...rest] = positionals;
    if (queue === undefined || rest.length > 0) throw new UsageError('Which queue?');
    const limit = Number(values.limit ?? 100);
    if (!Number.isInteger(limit) || limit < 1)
      throw new UsageError(`--limit ${values.limit}: expected a number from 1.`);
    const isDryRun = values['dry-run'] === true;
    const client = new SQSClient(values.local === true ? local() : {});
    const { count, cameBack } = await redriveQueue({
      client,
      queue,
      limit,
      isDryRun,
      onMessage: (message) => console.log(lineOf(message)),
    });
    console.log(isDryRun ? `${count} in ${queue}-dlq.` : `${count} moved from ${queue}-dlq to ${queue}.`);
    if (cameBack > 0) {
      console.error(`${cameBack} of them came back at once: their cause is not gone.`);
      return 1;
    }
    return 0;
  },
};

function lineOf({ MessageId, MessageAttributes }: Message): string {
  const reason = MessageAttributes?.['reason']?.StringValue;
  const explanation = MessageAttributes?.['explanation']?.StringValue;
  return `${MessageId}  ${reason === undefined ? 'failed each time' : `${reason}: ${explanation ?? ''}`}`;
}

function local() {
  return {
    endpoint: environment['AWS_ENDPOINT_URL_SQS'] ?? `http://127.0.0.1:${environment['SQS_PORT'] ?? 4566}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
}
