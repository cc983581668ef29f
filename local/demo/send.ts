/** The demo's events: the repository's samples, with current ids and times, signed as their senders sign them. */
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { messageOf } from '../../lib/errors.ts';
import type { Stack } from '../stack/start.ts';

const EVENTS = new URL('../../events/', import.meta.url);

export interface Sent {
  what: string;
  /** The answer, for a person. */
  answer: string;
  isTaken: boolean;
}

/** Prometheus' Alertmanager tells of a group of two alerts, an instance of each cloud: two trigger events. */
export async function sendAlert(stack: Stack): Promise<Sent> {
  const alert = (instance: string) => ({
    status: 'firing',
    labels: { alertname: 'High5xx', instance_id: instance, service: 'web', severity: 'critical' },
    annotations: { summary: 'More than 5 % of the requests fail' },
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example/graph',
    fingerprint: randomUUID().replaceAll('-', '').slice(0, 16),
  });
  const body = JSON.stringify({
    ...sample('alertmanager.json'),
    status: 'firing',
    alerts: [alert('ins-local001'), alert('i-local001')],
  });
  return await post(stack, 'alertmanager', 'an alert group with two alerts, from Alertmanager', body, {
    'content-type': 'application/json',
    authorization: `Bearer ${stack.secretOf('alertmanager')}`,
  });
}

export async function sendChatCommand(stack: Stack): Promise<Sent> {
  const { response_url: _, ...fields } = z.record(z.string(), z.string()).parse(sample('slack.json'));
  const body = new URLSearchParams({ ...fields, text: 'patch web', trigger_id: randomUUID() }).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = hmac(stack.secretOf('slack'), `v0:${timestamp}:${body}`);
  return await post(stack, 'slack', 'the command `/fleet patch web`, from Slack', body, {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${signature}`,
  });
}

export async function sendDeployment(stack: Stack): Promise<Sent> {
  const { deployment, ...rest } = sample('github.deployment.json');
  const made = z.looseObject({}).parse(deployment);
  const body = JSON.stringify({ ...rest, deployment: { ...made, created_at: new Date().toISOString() } });
  return await post(stack, 'github', 'a deployment hook, from GitHub', body, {
    'content-type': 'application/json',
    'x-github-event': 'deployment',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${hmac(stack.secretOf('github'), body)}`,
  });
}

/** As EventBridge puts it on the `events` queue. */
export async function sendQueueMessage(stack: Stack): Promise<Sent> {
  const event = { ...sample('cloudwatch.json'), id: randomUUID(), time: new Date().toISOString() };
  await stack.sqs.send(
    new SendMessageCommand({ QueueUrl: stack.queueUrl('events'), MessageBody: JSON.stringify(event) }),
  );
  return {
    what: 'a CloudWatch alarm, as a message on the queue `events`',
    answer: 'it is on the queue',
    isTaken: true,
  };
}

/** The same alert with a wrong token: nothing may come of it. */
export async function sendForged(stack: Stack): Promise<Sent> {
  const body = JSON.stringify(sample('alertmanager.json'));
  const sent = await post(stack, 'alertmanager', 'a forged alert', body, {
    'content-type': 'application/json',
    authorization: 'Bearer guessed',
  });
  return { ...sent, isTaken: !sent.isTaken };
}

const Answer = z.union([
  z
    .object({ matched: z.array(z.object({ rule: z.string() })) })
    .transform(({ matched }) => matched.map(({ rule }) => rule).join(', ')),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z.object({ text: z.string() }).transform(({ text }) => text.split('\n', 1).join('')),
]);

async function post(
  stack: Stack,
  source: string,
  what: string,
  body: string,
  headers: Record<string, string>,
): Promise<Sent> {
  try {
    const answer = await fetch(`${stack.httpUrl}/hooks/${source}`, { method: 'POST', headers, body });
    const said = Answer.safeParse(await answer.json());
    return { what, answer: `${answer.status} ${said.data ?? ''}`, isTaken: answer.ok };
  } catch (thrown) {
    return { what, answer: messageOf(thrown), isTaken: false };
  }
}

function sample(file: string): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8')));
}

function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}
