/** Rollouts on the local stack, with commands that really run: a canary that fails, three waves, a freeze in the middle. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { until } from '../contract/alibaba-local.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { anAlert, bearer, post, theRunOf } from './local-stack-client.ts';

const FLEET = ['ins-wave00001', 'ins-wave00002', 'ins-wave00003', 'ins-wave00004'];
const RULES = `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets: { waves: { provider: tencent, instances: [${FLEET}] } }
rules:
  - name: fails
    on: alertmanager
    when: event.data.name == 'Fails'
    run: { fleet: waves, command: cmd-fail00001, waves: { sizes: [1, 2] } }
  - name: rolls
    on: alertmanager
    when: event.data.name == 'Rolls'
    run: { fleet: waves, command: cmd-fine00001, waves: { sizes: [1, 50%, 1], pause: 3s, onStop: cancel } }`;
const MACHINES = `version: 1
instances: [${FLEET.map((id) => `{ id: ${id} }`)}]
commands:
  - { id: cmd-fail00001, name: fail, content: 'exit 3' }
  - { id: cmd-fine00001, name: fine, content: 'echo fine' }`;

const Run = z.looseObject({
  status: z.string(),
  endedAt: z.string().optional(),
  reason: z.looseObject({ code: z.string() }).optional(),
  waitingFor: z.looseObject({ code: z.string(), until: z.string().optional() }).optional(),
  waves: z.array(z.object({ index: z.int(), instances: z.array(z.string()), state: z.string() })),
  tasks: z.array(
    z.looseObject({ instanceId: z.string(), started: z.string(), startedAt: z.string().optional() }),
  ),
});
type Run = z.infer<typeof Run>;

describe('a rollout on the local stack', { timeout: 90_000 }, () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack({ rules: RULES, fleet: MACHINES });
  }, STACK_START_MS);

  const begin = async (name: string) => {
    const secret = stack.secretOf('alertmanager');
    return theRunOf(await post(stack, '/hooks/alertmanager', anAlert(name), bearer(secret)));
  };
  const show = async (runId: string) => {
    const answer = await fetch(`${stack.httpUrl}/runs/${runId}`, { headers: bearer(stack.runsToken) });
    return answer.ok ? Run.parse(await answer.json()) : undefined;
  };
  const when = async (runId: string, is: (run: Run) => boolean) => {
    const run = await until(
      () => show(runId),
      (found) => found !== undefined && is(found),
      60_000,
    );
    if (run === undefined) throw new Error(`no run ${runId}`);
    return run;
  };
  const isOver = ({ endedAt }: Run) => endedAt !== undefined;
  const freeze = async (method: 'PUT' | 'DELETE') => {
    const answer = await fetch(`${stack.httpUrl}/freeze`, {
      method,
      headers: { ...bearer(stack.runsToken), 'content-type': 'application/json' },
      ...(method === 'PUT' && { body: JSON.stringify({ reason: 'a test' }) }),
    });
    expect(answer.status).toBe(200);
  };

  it('ends at a canary that fails: nothing else starts', async () => {
    const { status, reason, waves, tasks } = await when(await begin('Fails'), isOver);
    expect({ status, reason: reason?.code, waves, started: tasks.map(({ started }) => started) }).toEqual({
      status: 'partly_failed',
      reason: 'wave.stopped',
      waves: [
        { index: 0, instances: FLEET.slice(0, 1), state: 'failed' },
        { index: 1, instances: FLEET.slice(1, 3), state: 'stopped' },
        { index: 2, instances: FLEET.slice(3), state: 'stopped' },
      ],
      started: ['yes', 'no', 'no', 'no'],
    });
  });

  it('goes through three waves; under a freeze in the middle no command starts', async () => {
    const runId = await begin('Rolls');
    const paused = await when(runId, ({ waitingFor }) => waitingFor?.code === 'wave.pause');
    expect(paused.waves.map(({ state }) => state)).toEqual(['succeeded', 'planned', 'planned']);
    expect(paused.waitingFor?.until).toBeDefined();
    await freeze('PUT');
    const frozen = await when(runId, ({ waitingFor }) => waitingFor?.code === 'guard.freeze');
    expect(frozen.tasks).toHaveLength(1);
    await freeze('DELETE');
    const liftedAt = new Date().toISOString();
    const { status, waves, tasks } = await when(runId, isOver);
    expect({ status, states: waves.map(({ state }) => state) }).toEqual({
      status: 'succeeded',
      states: ['succeeded', 'succeeded', 'succeeded'],
    });
    const later = tasks.filter(({ instanceId }) => instanceId !== FLEET[0]);
    expect(later.every(({ startedAt = '' }) => startedAt.slice(0, 19) >= liftedAt.slice(0, 19))).toBe(true);
  });
});
