/**
 * What dispatch and polling rely on, whatever the cloud: every provider adapter passes this suite against its local
 * server. `docs/adding-a-provider.md` tells how to join in.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { isTerminalTask } from '../../lib/model/status.ts';
import type { Invocation, Provider, TaskReport } from '../../lib/providers/provider.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';

export interface ProviderHarness {
  provider: Provider;
  region: string;
  /** Two that can take a command now. */
  instances: readonly [string, string];
  /** One whose agent is offline. */
  offline: string;
  /** Stored commands: `echo {{text}}`, `sleep {{seconds}}`, and one that writes to stderr and exits with 3. */
  commands: { echo: string; sleep: string; fail: string };
  /** The next invoke takes effect, and its answer is lost. */
  loseNextAnswer(): void;
  /** The next invoke is refused for the rate of requests. */
  throttleNext(): void;
  /** The next invoke is lost before it takes effect. */
  loseNextRequest(): void;
}

const DEADLINE_MS = 15_000;

/** @param make starts the local server, on a fleet of its own, and stops it when the file's tests are over */
export function providerContract(name: string, make: () => Promise<ProviderHarness>): void {
  let harness: ProviderHarness;
  let count = 0;

  const anInvocation = (more: Flat<Invocation> = {}): Invocation => {
    count += 1;
    return withGiven(
      {
        token: `run-${name}-${process.pid}-${count}`,
        target: {
          provider: harness.provider.name,
          region: harness.region,
          command: harness.commands.echo,
          instances: [harness.instances[0]],
          parameters: { text: `hello-${count}` },
        },
        labels: { 'fleet-reflex-rule': 'contract' },
      },
      more,
    );
  };

  const sent = async (invocation: Invocation): Promise<string> => {
    const outcome = await harness.provider.invoke(invocation);
    if (outcome.kind !== 'sent') throw new Error(`not sent: ${JSON.stringify(outcome)}`);
    return outcome.invocationId;
  };

  const readOnce = async (
    invocationId: string,
    options?: { wantsOutput?: (taskId: string) => boolean },
  ): Promise<readonly TaskReport[]> => {
    const [reading] = await harness.provider.read([{ region: harness.region, invocationId }], options);
    if (reading?.kind !== 'read') throw new Error(`not read: ${JSON.stringify(reading)}`);
    return reading.tasks;
  };

  const readUntil = async (
    invocationId: string,
    isSo: (tasks: readonly TaskReport[]) => boolean,
  ): Promise<readonly TaskReport[]> => {
    const endsAt = performance.now() + DEADLINE_MS;
    for (;;) {
      const tasks = await readOnce(invocationId);
      if (tasks.length > 0 && isSo(tasks)) return tasks;
      if (performance.now() > endsAt) throw new Error(`still not so: ${JSON.stringify(tasks)}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 25);
      });
    }
  };

  const readEnd = (invocationId: string) =>
    readUntil(invocationId, (tasks) => tasks.every(({ status }) => isTerminalTask(status)));

  describe(`${name} keeps the contract of a provider`, () => {
    beforeAll(async () => {
      harness = await make();
    });

    test('a command runs on every instance, and its tasks say how', async () => {
      const { instances } = harness;
      const invocationId = await sent(anInvocation({ instances, parameters: { text: 'grüße' } }));
      const tasks = await readEnd(invocationId);
      const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect([...tasks].sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1))).toEqual(
        [...instances].sort().map((instanceId) => ({
          invocationId,
          taskId: expect.stringMatching(/./),
          instanceId,
          status: 'succeeded',
          providerStatus: expect.stringMatching(/./),
          started: 'yes',
          exitCode: 0,
          output: Buffer.from('grüße\n'),
          outputDroppedBytes: 0,
          startedAt: instant,
          endedAt: instant,
        })),
      );
      expect(new Set(tasks.map(({ taskId }) => taskId)).size).toBe(2);
    });

    test('a command that fails keeps its exit code and output', async () => {
      const tasks = await readEnd(
        await sent(anInvocation({ command: harness.commands.fail, parameters: {} })),
      );
      expect(tasks).toMatchObject([{ status: 'failed', started: 'yes', exitCode: 3 }]);
      expect(tasks[0]?.output?.length).toBeGreaterThan(0);
    });

    test('a task keeps its id from reading to reading', async () => {
      const invocationId = await sent(anInvocation());
      const first = await readUntil(invocationId, () => true);
      const last = await readEnd(invocationId);
      expect(last.map(({ taskId }) => taskId)).toEqual(first.map(({ taskId }) => taskId));
    });

    test('output comes only where it is wanted', async () => {
      const invocationId = await sent(anInvocation({ instances: harness.instances }));
      const all = await readEnd(invocationId);
      const wanted = all[0]?.taskId;
      const tasks = await readOnce(invocationId, { wantsOutput: (taskId) => taskId === wanted });
      expect(tasks.map((task) => [task.taskId, task.output !== undefined])).toEqual(
        all.map(({ taskId }) => [taskId, taskId === wanted]),
      );
    });

    test('many invocations are read at once, one reading each', async () => {
      const ids = await Promise.all([1, 2, 3].map(() => sent(anInvocation())));
      await Promise.all(ids.map(readEnd));
      const readings = await harness.provider.read(
        ids.map((invocationId) => ({ region: harness.region, invocationId })),
      );
      expect(readings.map(({ invocationId, kind }) => [invocationId, kind]).sort()).toEqual(
        ids.map((invocationId) => [invocationId, 'read']).sort(),
      );
    });

    test('a running command is stopped', async () => {
      const invocationId = await sent(
        anInvocation({ command: harness.commands.sleep, parameters: { seconds: '50' } }),
      );
      await readUntil(invocationId, ([task]) => task?.status === 'running');
      expect(await harness.provider.cancel({ region: harness.region, invocationId })).toEqual({
        kind: 'requested',
      });
      expect(await readEnd(invocationId)).toMatchObject([{ status: 'terminated', started: 'yes' }]);
    });

    test('an invocation whose answer was lost is found, once', async () => {
      const since = new Date(Date.now() - 1000);
      const invocation = anInvocation();
      harness.loseNextAnswer();
      const outcome = await harness.provider.invoke(invocation);
      expect(outcome).toMatchObject({ kind: 'unknown', failure: { isRetryable: true } });
      const found = await harness.provider.find(invocation, since);
      expect(found).toHaveLength(1);
      expect(await readEnd(found[0] ?? '')).toMatchObject([{ status: 'succeeded' }]);
    });

    test('an invocation that never arrived is not found', async () => {
      const since = new Date(Date.now() - 1000);
      const invocation = anInvocation();
      harness.loseNextRequest();
      const outcome = await harness.provider.invoke(invocation);
      expect(outcome).toMatchObject({ failure: { isRetryable: true } });
      expect(await harness.provider.find(invocation, since)).toEqual([]);
    });

    test('find takes no other invocation for it', async () => {
      const since = new Date(Date.now() - 1000);
      const invocation = anInvocation();
      await sent(anInvocation({ parameters: { text: 'another' } }));
      const invocationId = await sent(invocation);
      expect(await harness.provider.find(invocation, since)).toEqual([invocationId]);
    });

    test('throttled is not sent, and may be tried later', async () => {
      harness.throttleNext();
      expect(await harness.provider.invoke(anInvocation())).toMatchObject({
        kind: 'notSent',
        failure: { isRetryable: true, advice: expect.stringMatching(/./), requestId: expect.any(String) },
      });
    });

    test('a cancel of some instances leaves the others to go on', async () => {
      const { command, ...more } = {
        command: harness.commands.sleep,
        parameters: { seconds: '3' },
        instances: harness.instances,
      };
      const invocationId = await sent(anInvocation({ command, ...more }));
      await readUntil(invocationId, (tasks) => tasks.every(({ status }) => status === 'running'));
      const ref = { region: harness.region, invocationId };
      expect(await harness.provider.cancel(ref, [harness.instances[0]])).toEqual({ kind: 'requested' });
      const ended = await readEnd(invocationId);
      expect(Object.fromEntries(ended.map(({ instanceId, status }) => [instanceId, status]))).toEqual({
        [harness.instances[0]]: 'terminated',
        [harness.instances[1]]: 'succeeded',
      });
    });

    test('a command that does not exist is not sent, and never will be', async () => {
      const command = `${harness.commands.echo.slice(0, -4)}none`;
      expect(await harness.provider.invoke(anInvocation({ command }))).toMatchObject({
        kind: 'notSent',
        failure: { isRetryable: false, advice: expect.stringMatching(/./) },
      });
    });

    test('parameters that the command does not define are not sent, and never will be', async () => {
      expect(await harness.provider.invoke(anInvocation({ parameters: { nobody: 'x' } }))).toMatchObject({
        kind: 'notSent',
        failure: { isRetryable: false },
      });
    });

    test('more instances than one invocation takes are refused before they are sent', async () => {
      const { provider } = harness;
      const instances = Array.from(
        { length: provider.maxInstancesPerInvocation + 1 },
        (_, index) => `${harness.instances[0]}${index}`,
      );
      const before = { ...provider.requestCounts };
      expect(await provider.invoke(anInvocation({ instances }))).toMatchObject({ kind: 'notSent' });
      expect(provider.requestCounts).toEqual(before);
      expect(provider.split(instances).map(({ length }) => length)).toEqual([
        provider.maxInstancesPerInvocation,
        1,
      ]);
    });

    test('availability tells who can take a command, for each that was asked, in that order', async () => {
      const asked = [harness.offline, ...harness.instances];
      expect(await harness.provider.availability(harness.region, asked)).toEqual([
        { instanceId: harness.offline, isAvailable: false, reason: expect.stringMatching(/agent/) },
        ...harness.instances.map((instanceId) => ({ instanceId, isAvailable: true })),
      ]);
    });

    test('it says what a stored command is, with the values filled in', async () => {
      const { provider, commands } = harness;
      const { target } = anInvocation({ parameters: { text: 'what-is-run' } });
      expect(await provider.storedCommand(target)).toMatchObject({
        content: expect.stringMatching(/\{\{text\}\}/),
        script: expect.stringMatching(/^echo .?what-is-run/),
      });
      const sleep = await provider.storedCommand({ ...target, command: commands.sleep });
      expect(sleep?.content).toMatch(/^sleep/);
    });

    test('a command that is not there is none', async () => {
      const { target } = anInvocation();
      const command = `${target.command.slice(0, -2)}zz`;
      expect(await harness.provider.storedCommand({ ...target, command })).toBeUndefined();
    });

    test('it knows its own instances', () => {
      const { provider } = harness;
      expect([harness.instances[0], harness.offline].map((id) => provider.isInstanceId(id))).toEqual([
        true,
        true,
      ]);
      for (const id of ['', 'x', 'vm-12345678', `${harness.instances[0]}; rm -rf /`]) {
        expect(provider.isInstanceId(id)).toBe(false);
      }
    });

    test('requests are counted', async () => {
      const total = () => Object.values(harness.provider.requestCounts).reduce((sum, each) => sum + each, 0);
      const before = total();
      await sent(anInvocation());
      expect(total()).toBe(before + 1);
    });
  });
}
