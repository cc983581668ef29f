// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** The runs queue is trusted no further than its forms and patterns: what no rule may ask for goes to a person. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import { queueHandler } from '../../lib/queues/consume.ts';
import { renderRule } from '../../lib/rules/render.ts';
import { DEFAULT } from '../../lib/rules/target-check.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { asVersion1, type Flat, withGiven } from '../fixtures/flat.ts';
import { aLambdaContext } from '../fixtures/http-events.ts';
import { aRunRequest, type RunOnlyRequest } from '../fixtures/run-world.ts';
import { aRunsQueueWorld } from '../fixtures/runs-queue-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { type LocalSqs, startSqs } from '../fixtures/sqs.ts';
import { aTimedRequest, type TimedGiven } from '../fixtures/timed-requests.ts';
import { anAlert, aRule } from '../unit/rules/events.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let sqs: LocalSqs;
beforeAll(async () => {
  [table, sqs] = await Promise.all([startRunsTable(), startSqs()]);
});
afterAll(async () => {
  await sqs.stop();
  await table.stop();
});

const MINUTE = 60_000;
const DAY = 86_400_000;
const AT = '2040-01-01T00:00:00.000Z';

/** What became of a message, and what the cloud was asked. */
async function outcomeOf(make: (request: RunOnlyRequest, now: number) => unknown) {
  const world = aRunsQueueWorld(table);
  const request = world.request();
  const before = world.cloud.calls();
  const thrown: unknown = await world.take(make(request, world.now())).then(
    () => undefined,
    (error: unknown) => error,
  );
  const isStored = (await world.context.store.get(request.runId)) !== undefined;
  const said = thrown instanceof FleetReflexError ? [thrown.code, thrown.disposition] : [String(thrown)];
  return {
    outcome: thrown === undefined ? 'taken' : said.join(' '),
    message: thrown instanceof Error ? thrown.message : '',
    calls: world.cloud.calls() - before,
    isStored,
    taken: world.cloud.taken.map(({ invocation }) => invocation.target.parameters),
  };
}

const NOT_RUN = { calls: 0, isStored: false };

describe('a value', () => {
  it.each([
    ['a semicolon', '; rm -rf /'],
    ['a substitution', '$(id)'],
    ['a backtick', '`id`'],
    ['an option', '--force'],
    ['nothing', ''],
    ['a list', 'a,b'],
    ['a line more', 'web\nreboot'],
    ['more than 256 characters', 'a'.repeat(257)],
  ])('of %s is held where no pattern came with it', async (_, text) => {
    const { outcome, message, ...rest } = await outcomeOf((request) =>
      withGiven(request, { parameters: { text } }),
    );
    expect({ outcome, ...rest }).toEqual({ ...NOT_RUN, taken: [], outcome: 'parameters.unsafe hold' });
    if (text.length > 3) expect(message).not.toContain(text);
  });

  it('is held where it does not match the pattern that came with it', async () => {
    const patterns = { text: '[a-z ]+' };
    const asked = (text: string) =>
      outcomeOf((request) => withGiven(request, { parameters: { text }, patterns }));
    expect(await asked('restart web')).toMatchObject({ outcome: 'taken', taken: [{ text: 'restart web' }] });
    expect(await asked('restart web; reboot')).toMatchObject({
      ...NOT_RUN,
      outcome: 'parameters.unsafe hold',
    });
  });

  it.each([
    ['a pattern of another parameter', { other: '[^x]*' }],
    ['a pattern of a name that objects have', { constructor: '[^x]*', toString: '[^x]*' }],
  ])('is not let in by %s', async (_, patterns) => {
    const asked = await outcomeOf((request) =>
      withGiven(request, { parameters: { text: '$(id)' }, patterns }),
    );
    expect(asked).toMatchObject({ ...NOT_RUN, outcome: 'parameters.unsafe hold' });
  });

  it.each([
    ['a null character', 'a\0b'],
    ['an escape sequence', 'a\u001b[2Jb'],
    ['a character of C1', 'a\u009bb'],
    ['more than 8,192 characters', 'a'.repeat(8193)],
  ])('of %s is held whatever pattern comes with it', async (_, text) => {
    const patterns = { text: '[\\s\\S]*' };
    const asked = await outcomeOf((request) => withGiven(request, { parameters: { text }, patterns }));
    expect(asked).toMatchObject({ ...NOT_RUN, outcome: 'parameters.unsafe hold' });
  });

  it('is held with a pattern that is none, or too long to be a rule’s', async () => {
    for (const pattern of ['(', '(?=x)', 'a{2001}', 'a'.repeat(1001)]) {
      const patterns = { text: pattern };
      const asked = await outcomeOf((request) => withGiven(request, { parameters: { text: 'a' }, patterns }));
      expect(asked).toMatchObject({ ...NOT_RUN, outcome: 'request.invalid hold' });
    }
  });

  it('is held exactly when the door would have rejected it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 12, unit: 'binary' }), async (text) => {
        const asked = await outcomeOf((request) => withGiven(request, { parameters: { text } }));
        expect(asked.outcome === 'taken').toBe(DEFAULT.matchWhole(text).isMatch);
      }),
      { numRuns: 30 },
    );
  });
});

it('a request of version 1 is carried out, and stored as version 2', async () => {
  const world = aRunsQueueWorld(table);
  const request = world.request({ parameters: { text: 'web' }, timeoutSeconds: 30, username: 'deploy' });
  await world.take(asVersion1(request));
  expect(world.cloud.taken.map(({ invocation }) => invocation.target)).toEqual([request.target]);
  expect(await world.context.store.get(request.runId)).toMatchObject({ version: 2, target: request.target });
});

describe('a request', () => {
  it.each<[string, string, (now: number) => Flat<RunOnlyRequest>]>([
    ['a region that is none', 'region.invalid', () => ({ region: 'ap-guangzhou; x' })],
    ['a command that is a script', 'command.invalid', () => ({ command: 'reboot' })],
    ['a command of the other cloud', 'command.invalid', () => ({ command: 'c-echo0001' })],
    ['no instances, and no fleet that the cloud knows', 'instances.invalid', () => ({ instances: [] })],
    ['an instance that is none', 'instances.invalid', () => ({ instances: ['ins-1', '*'] })],
    ['an instance of the other cloud', 'instances.invalid', () => ({ instances: ['i-local001'] })],
    ['an instance twice', 'request.invalid', () => ({ instances: ['ins-1', 'ins-1'] })],
    [
      'more instances than a rule may have',
      'instances.invalid',
      () => ({ instances: Array.from({ length: 2001 }, (_, at) => `ins-${at}`) }),
    ],
    ['a user that is a command', 'username.invalid', () => ({ username: 'root; id' })],
    ['a relative directory', 'workingDirectory.invalid', () => ({ workingDirectory: '../../etc' })],
    ['a directory with a command', 'workingDirectory.invalid', () => ({ workingDirectory: '/srv/$(id)' })],
    ['a parameter with an odd name', 'parameters.unsafe', () => ({ parameters: { 'a}} b {{c': 'x' } })],
    [
      'more parameters than the cloud takes',
      'parameters.unsafe',
      () => ({ parameters: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`p${at}`, 'x'])) }),
    ],
    [
      'a deadline of days',
      'request.invalid',
      (now) => ({ deadline: new Date(now + DAY + MINUTE).toISOString() }),
    ],
    [
      'a time in the future, which no cancel would reach',
      'request.invalid',
      (now) => ({
        requestedAt: new Date(now + 10 * MINUTE).toISOString(),
        deadline: new Date(now + 20 * MINUTE).toISOString(),
      }),
    ],
    ['a cooldown of years', 'request.invalid', () => ({ guards: { cooldownMs: 365 * DAY } })],
    [
      'a dedupe window of years',
      'request.invalid',
      () => ({ guards: { dedupe: { key: 'x', windowMs: 365 * DAY } } }),
    ],
    [
      'a key of a page',
      'request.invalid',
      () => ({ guards: { dedupe: { key: 'x'.repeat(201), windowMs: DAY } } }),
    ],
    [
      'a bucket that is none for the whole output',
      'request.invalid',
      () => ({ options: { output: { bucket: 'https://evil.example' } } }),
    ],
    [
      'a folder outside the bucket’s',
      'request.invalid',
      () => ({
        options: {
          output: { bucket: 'https://a-1.cos.ap-beijing.myqcloud.com', prefix: '../x' },
        },
      }),
    ],
    [
      'our own tags',
      'request.invalid',
      () => ({
        provider: 'alibaba',
        command: 'c-echo0001',
        instances: ['i-local001'],
        region: 'cn-hangzhou',
        options: { tags: { 'fleet-reflex-run': 'x' } },
      }),
    ],
    ['a rule that has no name of one', 'request.invalid', () => ({ rule: 'FREEZE#x' })],
    [
      'a time-out that the cloud does not take',
      'request.invalid',
      () => ({
        provider: 'alibaba',
        command: 'c-echo0001',
        instances: ['i-local001'],
        region: 'cn-hangzhou',
        timeoutSeconds: 1,
      }),
    ],
  ])('with %s is held as %s', async (_, code, given) => {
    const asked = await outcomeOf((request, now) => withGiven(request, given(now)));
    expect(asked).toMatchObject({ ...NOT_RUN, outcome: `${code} hold` });
    const inVersion1 = await outcomeOf((request, now) => asVersion1(withGiven(request, given(now))));
    expect(inVersion1).toMatchObject({ ...NOT_RUN, outcome: `${code} hold` });
  });

  it.each<[string, string, TimedGiven]>([
    ['values', 'parameters.unsafe', { parameters: { text: '$(id)' } }],
    ['instances', 'instances.invalid', { instances: ['*'] }],
    ['both times', 'request.invalid', { recurrence: '0 0 * * *', at: AT }],
    ['a deadline of days', 'request.invalid', { execution: { deadlineMs: 2 * DAY } }],
    ['a cooldown of years', 'request.invalid', { execution: { guards: { cooldownMs: 365 * DAY } } }],
  ])('for later is looked at in the same way: %s', async (_, code, given) => {
    const asked = await outcomeOf(({ runId }, now) => ({
      ...aTimedRequest({ now: () => now }, given),
      runId,
    }));
    expect(asked).toMatchObject({ ...NOT_RUN, outcome: `${code} hold` });
  });

  it('to cancel by a key of a page, or of no rule, is held', async () => {
    const cancel = (given: object) =>
      outcomeOf(({ runId, rule, trigger, notify, requestedAt }) => ({
        ...{ version: 1, runId, rule, trigger, notify, requestedAt, action: 'cancel' },
        ...given,
      }));
    expect(await cancel({ targetRule: 'r', key: 'x'.repeat(201) })).toMatchObject({
      outcome: 'request.invalid hold',
    });
    expect(await cancel({ targetRule: 'R#' })).toMatchObject({ outcome: 'request.invalid hold' });
    expect(await cancel({ targetRule: 'r', key: 'x' })).toMatchObject({ outcome: 'taken' });
  });

  it('with secrets is held where they are none of its parameters, and says nothing of their values', async () => {
    const asked = (parameters: Record<string, string>, secretParameters: string[]) =>
      outcomeOf((request) => withGiven(request, { parameters, secretParameters }));
    expect(await asked({ token: 'zqj' }, ['other'])).toMatchObject({
      ...NOT_RUN,
      outcome: 'request.invalid hold',
    });
    const unsafe = await asked({ token: 'zqj$(id)' }, ['token']);
    expect(unsafe).toMatchObject({ ...NOT_RUN, outcome: 'parameters.unsafe hold' });
    expect(unsafe.message).not.toMatch(/zqj|`\$`/);
    expect(await asked({ token: 'zqj' }, ['token'])).toMatchObject({
      outcome: 'taken',
      taken: [{ token: 'zqj' }],
    });
  });

  it('with secrets for the provider to keep is held', async () => {
    const asked = await outcomeOf(({ version, runId, rule, trigger, notify, requestedAt, target }, now) => ({
      ...{ version, runId, rule, trigger, notify, requestedAt, action: 'schedule' },
      target: { ...target, parameters: { token: 'zqjzqj' }, secretParameters: ['token'] },
      at: new Date(now + MINUTE).toISOString(),
    }));
    expect(asked).toMatchObject({ ...NOT_RUN, outcome: 'request.invalid hold' });
  });

  it('that a rule makes has the patterns of the rule with it, and is taken', async () => {
    const rule = aRule(
      "parameters: { text: '${event.data.name}', plain: web }, patterns: { text: '[A-Za-z0-9 ]+' }",
    );
    const asked = await outcomeOf(({ runId }, now) => {
      const request = renderRule(rule, anAlert({ name: 'High 5xx' }), { now: new Date(now) });
      expect(request).toMatchObject({ patterns: { text: '[A-Za-z0-9 ]+' } });
      return { ...request, runId };
    });
    expect(asked).toMatchObject({ outcome: 'taken', taken: [{ text: 'High 5xx', plain: 'web' }] });
  });
});

it('what is held is in the dead-letter queue with its reason, and the rest of the batch runs', async () => {
  const world = aRunsQueueWorld(table);
  const [queueUrl, deadLetterUrl] = [sqs.makeQueue('runs'), sqs.makeQueue('runs-dlq')];
  const log = capturedLog();
  const handler = queueHandler({
    client: sqs.client,
    queueUrl,
    deadLetterUrl,
    log,
    handle: async ({ body }) => await world.take(JSON.parse(body)),
  });
  const forged = aRunRequest({ parameters: { text: '$(id)' } }, world.now());
  const fine = aRunRequest({ parameters: { text: 'web' } }, world.now());
  for (const request of [forged, fine]) await sqs.send(queueUrl, JSON.stringify(request));
  expect(await sqs.deliver(queueUrl, (event) => handler(event, aLambdaContext()))).toEqual({
    batchItemFailures: [],
  });
  expect(sqs.messagesIn(deadLetterUrl)).toMatchObject([
    {
      body: JSON.stringify(forged),
      attributes: {
        reason: 'parameters.unsafe',
        explanation: expect.stringContaining('`text`'),
      },
    },
  ]);
  expect(world.cloud.taken.map(({ invocation }) => invocation.target.parameters)).toEqual([{ text: 'web' }]);
  expect(log.lines.map(({ event }) => event)).toContain('message.held');
});
