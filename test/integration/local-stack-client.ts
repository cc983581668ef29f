/** What a sender, a consumer and a person do with a running stack, for the tests of the whole. */
import { createHmac } from 'node:crypto';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { CompletionEvent } from '../../lib/model/completion-event.ts';

export interface Place {
  httpUrl: string;
  sqsUrl: string;
}

export interface Answer {
  status: number;
  contentType: string | null;
  body: unknown;
}

export async function post(
  { httpUrl }: Pick<Place, 'httpUrl'>,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<Answer> {
  const answer = await fetch(`${httpUrl}${path}`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers,
  });
  return {
    status: answer.status,
    contentType: answer.headers.get('content-type'),
    body: JSON.parse(await answer.text()),
  };
}

/** An alert that is older than what is remembered would be refused. */
const STARTS_AT = new Date().toISOString();

/** As Alertmanager writes a group of one alert; each name is another alert. */
export function anAlert(name: string, labels: Record<string, string> = {}) {
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{alertname="${name}"}`,
    status: 'firing',
    receiver: 'fleet-reflex',
    groupLabels: { alertname: name },
    commonLabels: { alertname: name },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example',
    truncatedAlerts: 0,
    alerts: [
      {
        status: 'firing',
        labels: { alertname: name, ...labels },
        annotations: {},
        startsAt: STARTS_AT,
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://prometheus.example/graph',
        fingerprint: createHmac('sha256', 'fingerprint').update(name).digest('hex').slice(0, 16),
      },
    ],
  });
}

export const bearer = (secret: string) => ({
  authorization: `Bearer ${secret}`,
  'content-type': 'application/json',
});

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export const byGithub = (body: string, secret: string, delivery: string) => ({
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-github-delivery': delivery,
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function bySlack(body: string, secret: string, at: Date) {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`,
  };
}

/** Takes completion events until one is what is waited for; each is taken once, by whom it concerns. */
export function completionsOf({ sqsUrl }: Pick<Place, 'sqsUrl'>) {
  const client = new SQSClient({
    endpoint: sqsUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const QueueUrl = `${sqsUrl}/000000000000/completions`;
  const taken: { event: CompletionEvent; attributes: Record<string, string | undefined> }[] = [];
  return {
    taken,
    async until(isIt: (event: CompletionEvent) => boolean, deadlineMs = 30_000): Promise<CompletionEvent> {
      const endsAt = performance.now() + deadlineMs;
      for (;;) {
        const found = taken.find(({ event }) => isIt(event));
        if (found !== undefined) return found.event;
        if (performance.now() > endsAt) {
          throw new Error(`not among ${taken.map(({ event }) => event.id).join(', ')}`);
        }
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
            MessageAttributeNames: ['All'],
          }),
        );
        for (const { Body = '', ReceiptHandle, MessageAttributes = {} } of Messages) {
          const attributes = Object.entries(MessageAttributes).map(([name, it]) => [name, it.StringValue]);
          taken.push({
            event: CompletionEvent.parse(JSON.parse(Body)),
            attributes: Object.fromEntries(attributes),
          });
          await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
      }
    },
    async runCompleted(runId: string): Promise<CompletionEvent> {
      return await this.until(
        ({ type, subject }) =>
          type.startsWith('fleet-reflex.run.') && !type.endsWith('started') && subject === runId,
      );
    },
    close: () => client.destroy(),
  };
}

const Runs = z.looseObject({
  runs: z.array(
    z.looseObject({
      runId: z.string(),
      rule: z.string(),
      status: z.string(),
      instances: z.array(z.string()),
      invocationIds: z.array(z.string()),
      trigger: z.looseObject({ source: z.string(), id: z.string(), subject: z.string().optional() }),
    }),
  ),
});

export async function runsOf({ httpUrl }: Pick<Place, 'httpUrl'>) {
  const answer = await fetch(`${httpUrl}/runs?limit=100`, {
    headers: { authorization: 'Bearer local-runs-token' },
  });
  return Runs.parse(await answer.json()).runs;
}

const Matched = z.looseObject({ matched: z.array(z.looseObject({ rule: z.string(), runId: z.string() })) });

/** The run of the one rule that matched. */
export function theRunOf({ body }: Answer): string {
  const { matched } = Matched.parse(body);
  const [first, ...others] = matched;
  if (first === undefined || others.length > 0)
    throw new Error(`expected one rule, matched ${JSON.stringify(body)}`);
  return first.runId;
}
