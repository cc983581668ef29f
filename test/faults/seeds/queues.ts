/** The queues: visibility, receives, dead letters; messages come in any order, and some of them twice or late. */
import {
  ChangeMessageVisibilityCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { type Fault, kindOf } from './faults.ts';
import type { Process } from './process.ts';
import type { Simulation } from './simulation.ts';

export interface QueueOptions {
  visibilityMs: number;
  maxReceives: number;
}

interface Message {
  id: string;
  body: string;
  sentAtMs: number;
  visibleAtMs: number;
  receives: number;
}

export interface Queues {
  clientOf(process: Process): SQSClient;
  /** What is on it, whether visible or not. */
  bodies(queue: string): readonly string[];
  /** Takes up to ten visible messages, in no order. @returns the event of a function; undefined: there is none */
  receive(queue: string): SQSEvent | undefined;
  /** After the function's answer. */
  settle(queue: string, event: SQSEvent, response: SQSBatchResponse): void;
}

/** @param onVisible called when something may be received */
export function startQueues(
  sim: Simulation,
  options: Readonly<Record<string, QueueOptions>>,
  {
    onVisible,
    onSend,
  }: { onVisible: (queue: string) => void; onSend: (queue: string, body: string) => string },
): Queues {
  const queues = new Map<string, Message[]>();
  let sent = 0;
  const of = (name: string): Message[] => {
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    return queue;
  };
  const put = (queue: string, body: string, delayMs: number): void => {
    sent += 1;
    const visibleAtMs = sim.now() + delayMs;
    of(queue).push({
      id: `message-${sent}`,
      body: onSend(queue, body),
      sentAtMs: sim.now(),
      visibleAtMs,
      receives: 0,
    });
    sim.schedule(visibleAtMs, () => onVisible(queue));
  };
  const putAll = (
    queue: string,
    bodies: readonly string[],
    delayMs: number,
    fault: Fault | undefined,
  ): void => {
    for (const body of bodies) {
      put(queue, body, delayMs + (fault?.kind === 'late' ? fault.ms : 0));
      if (fault?.kind === 'duplicated') put(queue, body, delayMs + sim.random() * fault.ms);
    }
  };
  const send = (queue: string, bodies: readonly string[], delayMs: number, fault: Fault | undefined) => {
    const answer = (from = 0) => ({
      Successful: bodies.slice(0, bodies.length - from).map((_, index) => ({ Id: String(index) })),
      Failed: bodies
        .slice(bodies.length - from)
        .map(() => ({ Code: 'InternalError', Message: 'half of it' })),
    });
    switch (kindOf(fault)) {
      case 'lostBefore':
      case 'throttled':
        throw new Error('the queue does not answer');
      case 'lostAfter':
        putAll(queue, bodies, delayMs, fault);
        throw new Error('the answer of the queue is lost');
      case 'half': {
        const failed = Math.ceil(bodies.length / 2);
        putAll(queue, bodies.slice(0, bodies.length - failed), delayMs, fault);
        return answer(failed);
      }
      default:
        putAll(queue, bodies, delayMs, fault);
        return answer();
    }
  };
  const nameOf = (url: string | undefined): string => url?.split('/').at(-1) ?? '';

  return {
    clientOf(process) {
      const client = new SQSClient({ ...LOCAL_AWS, maxAttempts: 1 });
      client.middlewareStack.add(
        (_next, context) => async (args) => {
          const command = String(context['commandName']);
          const output = await process.ask('queue', command, async (fault) =>
            answer(command, args.input, fault),
          );
          return { output: { $metadata: {}, ...output }, response: {} };
        },
        { step: 'initialize', priority: 'high' },
      );
      return client;
    },
    bodies: (queue) => of(queue).map(({ body }) => body),
    receive(name) {
      const visible = of(name).filter(({ visibleAtMs }) => visibleAtMs <= sim.now());
      const batch: Message[] = [];
      while (batch.length < 10 && visible.length > 0) {
        const [one] = visible.splice(Math.floor(sim.random() * visible.length), 1);
        if (one !== undefined) batch.push(one);
      }
      const { visibilityMs = 30_000, maxReceives = 10 } = options[name] ?? {};
      const taken = batch.filter((message) => {
        message.receives += 1;
        message.visibleAtMs = sim.now() + visibilityMs;
        sim.schedule(message.visibleAtMs, () => onVisible(name));
        if (message.receives <= maxReceives) return true;
        remove(of(name), message.id);
        put(`${name}-dlq`, message.body, 0);
        return false;
      });
      return taken.length === 0 ? undefined : { Records: taken.map((message) => recordOf(message)) };
    },
    settle(name, { Records }, { batchItemFailures }) {
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId } of Records) if (!failed.has(messageId)) remove(of(name), messageId);
    },
  };

  function answer(command: string, input: object, fault: Fault | undefined): object {
    const change = new Map(Object.entries(input));
    const queue = nameOf(text(change.get('QueueUrl')));
    switch (command) {
      case GetQueueUrlCommand.name:
        if (fault?.kind === 'lostBefore' || fault?.kind === 'throttled')
          throw new Error('the queue does not answer');
        return { QueueUrl: `https://sqs/${text(change.get('QueueName'))}` };
      case SendMessageCommand.name: {
        const delayMs = Number(change.get('DelaySeconds') ?? 0) * 1000;
        const { Failed } = send(queue, [text(change.get('MessageBody')) ?? ''], delayMs, fault);
        if (Failed.length > 0) throw new Error('the queue does not answer');
        return { MessageId: String(sent) };
      }
      case SendMessageBatchCommand.name: {
        const entries = change.get('Entries');
        const bodies = Array.isArray(entries) ? entries.map((entry: unknown) => bodyOf(entry)) : [];
        return send(queue, bodies, 0, fault);
      }
      case ChangeMessageVisibilityCommand.name: {
        if (fault?.kind === 'lostBefore' || fault?.kind === 'throttled')
          throw new Error('the queue does not answer');
        const message = of(queue).find(({ id }) => id === change.get('ReceiptHandle'));
        if (message !== undefined) {
          message.visibleAtMs = sim.now() + Number(change.get('VisibilityTimeout')) * 1000;
          sim.schedule(message.visibleAtMs, () => onVisible(queue));
        }
        if (fault?.kind === 'lostAfter') throw new Error('the answer of the queue is lost');
        return {};
      }
      default:
        throw new Error(`the queues of the model have no ${command}`);
    }
  }
}

function remove(messages: Message[], id: string): void {
  const index = messages.findIndex((message) => message.id === id);
  if (index >= 0) messages.splice(index, 1);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function bodyOf(entry: unknown): string {
  const body =
    typeof entry === 'object' && entry !== null ? new Map(Object.entries(entry)).get('MessageBody') : '';
  return text(body) ?? '';
}

function recordOf({ id, body, sentAtMs, receives }: Message): SQSRecord {
  return {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(Math.floor(sentAtMs)),
      SenderId: 'model',
      ApproximateFirstReceiveTimestamp: String(Math.floor(sentAtMs)),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:0:model',
    awsRegion: 'us-east-1',
  };
}
