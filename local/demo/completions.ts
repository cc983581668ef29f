/** The completion events of the queue `completions`, received as a consumer does. */
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { CompletionEvent } from '../../lib/model/completion-event.ts';
import type { Stack } from '../stack/start.ts';

/** Takes what is there; waits a second for the first. */
export async function takeCompletions(stack: Stack): Promise<CompletionEvent[]> {
  const QueueUrl = stack.queueUrl('completions');
  const { Messages = [] } = await stack.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  );
  for (const { ReceiptHandle } of Messages) {
    await stack.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
  return Messages.map(({ Body }) => CompletionEvent.parse(JSON.parse(Body ?? '')));
}

export function linesOf({ type, data }: CompletionEvent): string[] {
  const head = `  ${type.padEnd(28)} ${data.rule.padEnd(28)}`;
  if (type === 'fleet-reflex.task.completed') {
    return data.tasks.flatMap((task) => [
      `${head} ${task.instanceId} ${task.status}, exit code ${task.exitCode ?? '-'}`,
      ...(task.output ?? '')
        .trimEnd()
        .split('\n')
        .map((line) => `  ${' '.repeat(28)} │ ${line}`),
    ]);
  }
  const counts = Object.entries(data.counts).map(([status, count]) => `${count} ${status}`);
  const said =
    type === 'fleet-reflex.run.started'
      ? data.invocationIds.join(', ')
      : `${data.status} (${counts.join(', ')})`;
  return [`${head} ${said}${data.reason ? `: ${data.reason.message}` : ''}`];
}
