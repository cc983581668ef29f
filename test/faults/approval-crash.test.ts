/**
 * A process that dies at any await of a run that needs approval: nothing is sent before it, nothing twice after it, nothing
 * of a run that was denied or not approved in time, and nothing waits for ever.
 */
import { describe, expect, test } from 'vitest';
import { isTerminalRun } from '../../lib/model/run.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { judge } from '../../lib/runs/judge-approval.ts';
import { poll } from '../../lib/runs/poll.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import {
  aRunWorld,
  type RunOnlyRequest,
  type RunWorld,
  type TwoCloudsContext,
} from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const CALLS = ['invoke', 'find', 'read', 'cancel', 'availability', 'storedCommand'];
const BY = { actor: { id: 'approver', source: 'api' } };

function dyingContext({ context }: RunWorld, point: Failpoint): TwoCloudsContext {
  const provider = dying(context.providers.tencent, point, CALLS);
  return {
    ...context,
    store: dying(context.store, point),
    audit: dying(context.audit, point),
    guards: dying(context.guards, point),
    lastLook: dying({ take: context.lastLook }, point).take,
    providers: { tencent: provider, alibaba: provider },
    publishing: { ...context.publishing, resolve: (ref) => dying(context.publishing.resolve(ref), point) },
    wake: dying({ wake: context.wake }, point).wake,
  };
}

type Said = 'approved' | 'denied' | 'nothing';

/** Plays a run to its end, with a process that dies once, in the step where the point lies. */
async function play(world: RunWorld, request: RunOnlyRequest, said: Said, point: Failpoint) {
  const step = async (work: (context: TwoCloudsContext) => Promise<unknown>): Promise<boolean> => {
    const before = point.calls;
    let isDead = false;
    await work(dyingContext(world, point)).catch((thrown: unknown) => {
      expect(String(thrown)).toContain(CRASH);
      isDead = true;
    });
    // The process is dead: the next one is whole.
    if (point.calls >= point.at && before < point.at) point.calls = Number.MIN_SAFE_INTEGER;
    return !isDead;
  };
  const sentTooEarly: boolean[] = [];
  // The queue delivers again what was not acknowledged.
  while (!(await step((context) => dispatchRun(request, context)))) world.advance(75_000);
  while ((await world.run(request.runId)).approval?.asked === undefined) {
    world.advance(75_000);
    await step((context) => poll(context));
  }
  sentTooEarly.push(world.cloud.calls() > 0);
  // A person whose request was not answered asks again.
  if (said !== 'nothing') {
    while (!(await step((context) => judge(request.runId, { kind: said }, BY, context))));
  }
  sentTooEarly.push(world.cloud.calls() > 0);
  for (let round = 0; round < 60; round += 1) {
    await step((context) => poll(context));
    world.cloud.tasksAre('succeeded');
    world.advance(75_000);
    const run = await world.run(request.runId);
    if (isTerminalRun(run) && run.outbox.length === 0 && run.pollAt === undefined) {
      return { run, sentTooEarly };
    }
  }
  throw new Error('the run never ends');
}

const ENDS: Readonly<
  Record<Said, { status: string; code: string | undefined; sent: number; told: string[] }>
> = {
  approved: { status: 'succeeded', code: undefined, sent: 1, told: ['started', 'succeeded'] },
  denied: { status: 'rejected', code: 'approval.denied', sent: 0, told: ['rejected'] },
  nothing: { status: 'rejected', code: 'approval.expired', sent: 0, told: ['rejected'] },
};

describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 300_000 }, (when) => {
  test.each(['approved', 'denied', 'nothing'] as const)('of an await of a run that is %s', async (said) => {
    let awaits = 0;
    for (let at = 1; ; at += 1) {
      const table = await startRunsTable();
      const world = aRunWorld(table);
      const dedupe = { key: `key-${at}`, windowMs: 60_000_000 };
      const request: RunOnlyRequest = {
        ...world.request({ command: `cmd-${at}`, guards: { dedupe, maxInFlight: 1 } }),
        approval: { users: [], channels: [], expiresMs: 200_000 },
      };
      const point: Failpoint = { at, when, calls: 0 };
      const { run, sentTooEarly } = await play(world, request, said, point);
      const { status, code, sent, told } = ENDS[said];
      expect({ at, status: run.status, code: run.reason?.code, sentTooEarly }).toEqual({
        at,
        status,
        code,
        sentTooEarly: [false, false],
      });
      expect({ at, sent: world.cloud.taken.length }).toEqual({ at, sent });
      const audited = [...world.audited.keys()];
      expect({ at, audited }).toEqual({
        at,
        audited: said === 'nothing' ? [] : [`run.${said}/${run.runId}`],
      });
      expect(world.told(request.runId)).toEqual(expect.arrayContaining(told));
      const { guards } = world.context;
      expect({ at, free: await guards.enterFlight(request.rule, 'run-other', 1) }).toEqual({
        at,
        free: true,
      });
      if (sent === 0) {
        const claim = await guards.claimant('dedupe', request.rule, dedupe.key, new Date(world.now()));
        expect({ at, claim }).toEqual({ at, claim: undefined });
      }
      await table.stop();
      if (point.calls >= 0) break;
      awaits = at;
    }
    expect(awaits).toBeGreaterThan(15);
  });
});
