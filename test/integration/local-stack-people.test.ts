/** What people do with the whole: look, stop, freeze, and clear up; and what is refused after the door, with the reason. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { atEndOfFile, until } from '../contract/alibaba-local.ts';
import { models, vendorSdk } from '../contract/alibaba-sdk.ts';
import { fleetReflex } from '../fixtures/command-line.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { type Answer, bearer, bySlack, completionsOf, post, theRunOf } from './local-stack-client.ts';

let stack: TestStack;
let completions: ReturnType<typeof completionsOf>;

// The rules that the project comes with.
beforeAll(async () => {
  stack = await startTestStack();
  completions = completionsOf(stack);
  atEndOfFile(async () => completions.close());
}, STACK_START_MS);

describe('a message on `events`', () => {
  test('that is a CloudEvent ends in completion events', async () => {
    const id = randomUUID();
    await sendMessage({
      specversion: '1.0',
      id,
      source: '/acme/pager',
      type: 'com.acme.paged',
      data: { severity: 'high' },
    });
    const { data } = await completions.until(
      ({ type, data: { trigger } }) => type === 'fleet-reflex.run.completed' && trigger.id.includes(id),
    );
    expect([data.rule, data.status, data.tasks.map(({ output }) => output)]).toEqual([
      'note-any-event',
      'succeeded',
      ['event:generic.com.acme.paged\n'],
    ]);
  });

  test('that nobody recognises is set aside with the reason, and can be looked at and redriven', {
    timeout: 60_000,
  }, async () => {
    await sendMessage({ what: 'is this?' });
    await until(
      () => setAside(),
      (messages) => messages.length === 1,
      20_000,
    );

    const look = await fleetReflex(stack, ['redrive', 'events', '--local', '--dry-run']);
    expect(look).toEqual({
      code: 0,
      err: '',
      out: expect.stringMatching(
        /^[0-9a-f-]{36} {2}\d+s {2}message {2}event\.unrecognised: No source recognises the message\. .*\n1 in events-dlq\.\n$/,
      ),
    });
    const moved = await until(
      () => fleetReflex(stack, ['redrive', 'events', '--local']),
      ({ out }) => !out.includes('0 moved'),
      20_000,
    );
    // Nothing has changed, so it is set aside again; it must not go round for ever.
    expect(moved).toEqual({
      code: 1,
      out: expect.stringMatching(/\n1 moved from events-dlq to events\.\n$/),
      err: '1 of them came back at once: their cause is not gone.\n',
    });
  });

  test('cannot be redriven without saying where', async () => {
    const env = { AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_CONFIG_FILE: '/nowhere', AWS_PROFILE: '' };
    expect(await fleetReflex(stack, ['redrive', 'events'], env)).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^SQS could not be asked for events-dlq \(Region .*\)\. It needs AWS credentials and AWS_REGION; --local asks the local stack\.\n$/,
      ),
    });
  });
});

describe('a value that a shell would read', () => {
  test('rejects the run, the person and the queue hear why, and nothing is run', async () => {
    const answer = await slack('run say text=a;reboot');
    expect(answer).toMatchObject({
      status: 200,
      body: {
        response_type: 'ephemeral',
        text: expect.stringMatching(/^Rule `say` was refused \(run `run-/),
      },
    });

    const event = await completions.until(({ type }) => type === 'fleet-reflex.run.rejected');
    expect(event.data).toMatchObject({
      rule: 'say',
      status: 'rejected',
      reason: { code: 'parameters.unsafe', message: expect.stringContaining('text') },
      invocationIds: [],
      tasks: [],
    });
    // What an attacker wrote is not passed on.
    expect(JSON.stringify(event.data.reason)).not.toContain('reboot');
    expect(await getRun(event.data.runId)).toMatchObject({
      status: 200,
      body: { status: 'rejected', tasks: [] },
    });
  });
});

describe('a person', () => {
  test('without the token sees nothing and changes nothing', async () => {
    for (const [method, path] of [
      ['GET', '/runs'],
      ['POST', '/runs/run-a/cancel'],
      ['PUT', '/freeze'],
      ['DELETE', '/freeze'],
    ] as const) {
      expect(await call(method, path, undefined, 'guessed')).toMatchObject({
        status: 401,
        contentType: 'application/problem+json',
        body: { type: 'urn:fleet-reflex:problem:token.wrong' },
      });
    }
  });

  test('reads the runs page by page, newest first, each once', async () => {
    const runIds = [await anEvent(), await anEvent(), await anEvent()];
    for (const runId of runIds) await completions.runCompleted(runId);

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = Page.parse((await call('GET', `/runs?rule=note-any-event&limit=2${from}`)).body);
      expect(page.runs.length).toBeLessThanOrEqual(2);
      seen.push(...page.runs.map(({ runId }) => runId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 3)).toEqual(runIds.toReversed());
  });

  test('cancels a run on two instances, and its processes are gone', async () => {
    // So long sleeps nobody else on this machine.
    const seconds = String(600 + (process.pid % 400));
    const runId = runIn(await slack(`sleep ${seconds}`));
    await until(
      async () => processes(seconds),
      (found) => found.length === 2,
      20_000,
    );

    const answer = await call('POST', `/runs/${runId}/cancel`);
    expect(answer).toMatchObject({ status: 202, body: { runId, cancelledBy: 'local' } });
    const { data } = await completions.runCompleted(runId);
    expect({
      status: data.status,
      counts: data.counts,
      tasks: data.tasks.map(({ status, providerStatus, started }) => ({ status, providerStatus, started })),
    }).toEqual({
      status: 'stopped',
      counts: { terminated: 2 },
      tasks: [1, 2].map(() => ({ status: 'terminated', providerStatus: 'TERMINATED', started: 'yes' })),
    });
    expect(processes(seconds)).toEqual([]);

    expect(await call('POST', `/runs/${runId}/cancel`)).toMatchObject({
      status: 409,
      body: { type: 'urn:fleet-reflex:problem:run.ended' },
    });
  });

  test('freezes everything, and lifts it again', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const frozen = await call('PUT', '/freeze', { reason: 'incident 4711', by: 'ada', until });
    expect(frozen).toMatchObject({
      status: 200,
      body: { isFrozen: true, by: 'local', onBehalfOf: 'ada', reason: 'incident 4711' },
    });
    const stopped = await completions.runCompleted(await anEvent());
    expect({ type: stopped.type, reason: stopped.data.reason, tasks: stopped.data.tasks }).toEqual({
      type: 'fleet-reflex.run.rejected',
      reason: {
        code: 'guard.freeze',
        message: `local (on behalf of ada) has frozen all runs until ${until}: incident 4711.`,
        advice: expect.any(String),
      },
      tasks: [],
    });

    expect(await call('DELETE', '/freeze')).toMatchObject({ status: 200, body: { isFrozen: false } });
    expect((await completions.runCompleted(await anEvent())).data.status).toBe('succeeded');
  });

  test.each([
    ['local-runs-token', [200, 200, 404]],
    ['local-approver-token', [200, 403, 403]],
    ['local-read-token', [200, 403, 403]],
  ])('with %s may look, freeze, cancel as its scopes say: %j', async (token, statuses) => {
    const answers = [
      await call('GET', '/runs', undefined, token),
      await call('DELETE', '/freeze', undefined, token),
      await call('POST', `/runs/run-${'a'.repeat(26)}/cancel`, undefined, token),
    ];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
  });

  test('is told by the command line what is wrong with the token, the address, or the id', async () => {
    const withToken = await fleetReflex(stack, ['runs'], { RUNS_TOKEN: 'guessed' });
    expect(withToken).toEqual({
      code: 1,
      out: '',
      err: '401: Not authorized. Send the header Authorization: Bearer <RUNS_TOKEN>.\n',
    });
    const nobody = await fleetReflex(stack, ['runs'], { FLEET_REFLEX_URL: 'http://127.0.0.1:1' });
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('is FLEET_REFLEX_URL right?')]);
    const unknown = await fleetReflex(stack, ['cancel', `run-${'a'.repeat(26)}`]);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/^404: No such run\./)]);
  });
});

describe('the vendor’s SDK', () => {
  test('runs, reads and stops commands on the port of the local Cloud Assistant', async () => {
    const sdk = vendorSdk(Number(new URL(stack.cloudAssistantUrl).port));
    const { body: sent } = await sdk.invokeCommand(
      new models.InvokeCommandRequest({
        regionId: 'cn-hangzhou',
        commandId: 'c-sleep001',
        instanceId: ['i-local003'],
        parameters: { seconds: '60' },
      }),
    );
    const invokeId = sent?.invokeId ?? '';
    await sdk.stopInvocation(new models.StopInvocationRequest({ regionId: 'cn-hangzhou', invokeId }));
    const status = await until(
      async () => {
        const request = new models.DescribeInvocationsRequest({ regionId: 'cn-hangzhou', invokeId });
        const { body } = await sdk.describeInvocations(request);
        return body?.invocations?.invocation?.[0]?.invocationStatus ?? '';
      },
      (seen) => !/ing$/.test(seen),
    );
    expect(status).toBe('Stopped');
  });
});

async function sendMessage(body: object): Promise<void> {
  await stack.sqs.send(
    new SendMessageCommand({ QueueUrl: stack.queueUrl('events'), MessageBody: JSON.stringify(body) }),
  );
}

const Queue = z.looseObject({ messages: z.looseObject({ ready: z.array(z.unknown()) }) });

/** What waits in the dead-letter queue of `events`, seen without taking it. */
async function setAside(): Promise<unknown[]> {
  const answer = await fetch(`${stack.sqsUrl}/_fauxqs/queues/events-dlq`);
  return Queue.parse(await answer.json()).messages.ready;
}

async function slack(text: string): Promise<Answer> {
  const form = new URLSearchParams({
    command: '/fleet',
    text,
    user_id: 'U2147483697',
    user_name: 'ada',
    channel_id: 'C2147483705',
    trigger_id: randomUUID(),
  }).toString();
  return await post(stack, '/hooks/slack', form, bySlack(form, stack.secretOf('slack'), new Date()));
}

/** The run that a chat answer names. */
function runIn({ body }: Answer): string {
  const { text } = z.object({ text: z.string() }).parse(body);
  return /run-[a-z2-7]{26}/.exec(text)?.[0] ?? `no run in: ${text}`;
}

/** Any event; its run. */
async function anEvent(): Promise<string> {
  const body = JSON.stringify({ id: randomUUID() });
  return theRunOf(await post(stack, '/hooks/generic', body, bearer(stack.secretOf('generic'))));
}

async function call(method: string, path: string, json?: object, token = stack.runsToken): Promise<Answer> {
  const answer = await fetch(`${stack.httpUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  const body: unknown = JSON.parse(await answer.text());
  return { status: answer.status, contentType: answer.headers.get('content-type'), body };
}

const getRun = (runId: string) => call('GET', `/runs/${runId}`);

const Page = z.object({
  runs: z.array(z.looseObject({ runId: z.string() })),
  cursor: z.string().optional(),
});

/** Processes that sleep so long: only Linux tells. */
function processes(seconds: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`sleep\0${seconds}\0`);
      } catch {
        return false; // it has ended
      }
    });
}
