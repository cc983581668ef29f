/**
 * What the door costs for a signed GitHub deployment: our webhook, which proves it, normalises it, decides by the rules
 * and sends the run to a queue, beside @octokit/webhooks, which proves it and hands it to a function that sends it to the
 * same queue. Requests a second at 16 in flight, and CPU of this process for each.
 * Run: node bench/webhook.ts
 */
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Webhooks } from '@octokit/webhooks';
import { LOCAL_AWS } from '../local/stack/local-aws.ts';
import { aLambdaContext } from '../test/fixtures/http-events.ts';
import { median, report } from './report.ts';
import { startBackend } from './start-backend.ts';

const IN_FLIGHT = 16;
const ROUNDS = 5;
const ROUND_MS = 1_000;
const body = readFileSync(new URL('../events/github.deployment.json', import.meta.url), 'utf8');
const RULES = JSON.stringify({
  version: 1,
  rules: [
    {
      name: 'deploy',
      on: 'github',
      when: "event.data.environment == 'production'",
      run: {
        provider: 'tencent',
        region: 'ap-guangzhou',
        command: 'cmd-bench001',
        instances: ['ins-bench001'],
      },
    },
  ],
});

const backend = await startBackend({ rules: RULES, fleet: '{ version: 1, instances: [] }' });
Object.assign(process.env, backend.environment);
const secret = backend.environment['GITHUB_SECRET'] ?? '';
const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
// What is loaded reads the environment.
const { handler } = await import('../handlers/webhook.ts');

const queue = new SQSClient({ ...LOCAL_AWS, endpoint: backend.proxied.queues });
const webhooks = new Webhooks({ secret });
webhooks.on('deployment.created', async ({ id, payload }) => {
  const { environment, ref, sha } = payload.deployment;
  const MessageBody = JSON.stringify({ id, environment, ref, sha, repository: payload.repository.full_name });
  await queue.send(new SendMessageCommand({ QueueUrl: backend.environment['RUNS_QUEUE_URL'], MessageBody }));
});

try {
  const measured = { ours: [await measure(ours)], theirs: [await measure(theirs)] };
  for (let round = 0; round < ROUNDS; round += 1) {
    measured.ours.push(await measure(ours));
    measured.theirs.push(await measure(theirs));
  }
  const [our, their] = [measured.ours.slice(1), measured.theirs.slice(1)];
  const peer = '@octokit/webhooks and a bare send';
  report({
    bench: 'webhook',
    figure: 'signed GitHub deliveries a second',
    unit: 'a second',
    better: 'higher',
    ours: median(our.map(({ perSecond }) => perSecond)),
    beside: { [peer]: median(their.map(({ perSecond }) => perSecond)) },
  });
  report({
    bench: 'webhook',
    figure: 'a signed GitHub delivery',
    unit: 'ms of CPU',
    better: 'lower',
    ours: median(our.map(({ cpuMs }) => cpuMs)),
    beside: { [peer]: median(their.map(({ cpuMs }) => cpuMs)) },
  });
} finally {
  queue.destroy();
  await backend.stop();
}

async function ours(): Promise<void> {
  const answer = await handler(
    {
      rawPath: '/hooks/github',
      rawQueryString: '',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'deployment',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': signature,
      },
      pathParameters: { source: 'github' },
      body,
      isBase64Encoded: false,
      requestContext: { requestId: 'bench', http: { method: 'POST' } },
    },
    aLambdaContext(),
  );
  if (answer.statusCode !== 202) throw new Error(JSON.stringify(answer));
}

async function theirs(): Promise<void> {
  await webhooks.verifyAndReceive({ id: randomUUID(), name: 'deployment', payload: body, signature });
}

async function measure(call: () => Promise<void>): Promise<{ perSecond: number; cpuMs: number }> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < startedAt + ROUND_MS) {
        await call();
        calls += 1;
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: (calls * 1000) / (performance.now() - startedAt),
    cpuMs: (user + system) / 1000 / calls,
  };
}
