/** Both local clouds, a table and caught completion events, for the tests of lib/schedules/, on a clock that jumps. */

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Log } from '../../lib/logging.ts';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import type { ScheduleRequest } from '../../lib/model/live-schedule.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { RunId } from '../../lib/model/run-request.ts';
import { alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import { alibabaSchedules } from '../../lib/providers/alibaba/schedules.ts';
import { systemClock } from '../../lib/providers/clock.ts';
import { fleetCache } from '../../lib/providers/fleet-cache.ts';
import type { Provider } from '../../lib/providers/provider.ts';
import type { ProviderSchedules } from '../../lib/providers/schedules.ts';
import { tencentProvider } from '../../lib/providers/tencent/provider.ts';
import { tencentSchedules } from '../../lib/providers/tencent/schedules.ts';
import type { StandingSchedule } from '../../lib/rules/rule.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { ALWAYS_CLOSED } from '../../lib/runs/circuits.ts';
import { type PollContext, poll } from '../../lib/runs/poll.ts';
import { POLL_TIMING } from '../../lib/runs/poll-timing.ts';
import type { TendContext } from '../../lib/schedules/tend.ts';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { dynamoRunStore } from '../../lib/store/dynamodb-run-store.ts';
import { dynamoScheduleLedger } from '../../lib/store/dynamodb-schedule-ledger.ts';
import { dynamoLastLook } from '../../lib/store/last-look.ts';
import { type CloudAssistantServerOptions, startCloudAssistantServer } from '../../local/alibaba/server.ts';
import { createFleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer } from '../../local/tencent/server.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { createManualClock } from '../unit/providers/manual-clock.ts';

export const TENCENT_REGION = 'ap-guangzhou';
export const ALIBABA_REGION = 'cn-hangzhou';
export const DESTINATION = { name: 'completions', sqs: 'completions' };

const FLEET = `
version: 1
instances:
  - { id: ins-local001 }
  - { id: ins-local002 }
  - { id: lhins-local001 }
  - { id: i-local001 }
  - { id: i-local002 }
commands:
  - { id: cmd-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }
  - { id: cmd-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
  - { id: c-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }
  - { id: c-fail0001, name: fail, content: 'exit 3' }
`;

export type Stack = Awaited<ReturnType<typeof startStack>>;

/** For the test that calls it. */
/** With the clouds that there are. */
export type SchedulesStackContext = TendContext &
  PollContext & {
    providers: Readonly<Record<'tencent' | 'alibaba', Provider>>;
    schedules: Readonly<Record<'tencent' | 'alibaba', ProviderSchedules>>;
  };

export async function startStack(options: { alibaba?: Partial<CloudAssistantServerOptions> } = {}) {
  let aheadMs = 0;
  const jumping = { ...systemClock, epochMs: () => Date.now() + aheadMs };
  // The local Cloud Assistant waits on timers, which only a clock of our own can hurry.
  const manual = createManualClock(Date.now());
  const table = await startRunsTable();
  const engine = createFleetEngine(parseFleet(FLEET));
  const tat = await startTatServer({ engine, requestsPerSecond: 'unlimited', clock: jumping });
  const assistant = await startCloudAssistantServer({ engine, clock: manual, ...options.alibaba });
  const tencent = tencentProvider({
    credentials: { secretId: 'local', secretKey: 'local-secret' },
    endpoint: tat.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    clock: jumping,
  });
  const alibaba = alibabaProvider({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: assistant.url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    clock: { ...systemClock, epochMs: () => Math.max(Date.now() + aheadMs, manual.epochMs()) },
  });
  onTestFinished(async () => {
    await tencent.close();
    await alibaba.close();
    await tat.stop();
    await assistant.stop();
    await engine.stop();
    await table.stop();
  });

  const events: CompletionEvent[] = [];
  const logged: { event: string; facts: unknown }[] = [];
  const note = (event: string, facts?: unknown): void => {
    logged.push({ event, facts });
  };
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const wakes: Date[] = [];
  let standing: readonly StandingSchedule[] = [];
  let digest = 'none';
  let loads = 0;
  let useManual = false;
  const now = () => new Date(useManual ? manual.epochMs() : jumping.epochMs());
  const providers = { tencent, alibaba };
  const context: SchedulesStackContext = {
    store: dynamoRunStore({ ...table, now }),
    guards: dynamoGuardStore(table),
    circuits: ALWAYS_CLOSED,
    lastLook: dynamoLastLook(table),
    ledger: dynamoScheduleLedger(table),
    runsQueue: { send: async () => {} },
    publishing: {
      stage: 'test',
      reply: async () => {},
      resolve: () => ({
        send: async (all) => {
          events.push(...all);
        },
      }),
    },
    providers,
    fleets: fleetCache({ providers, maxAgeMs: 0, now }),
    schedules: {
      tencent: tencentSchedules({ client: tencent.client, stage: 'test' }),
      alibaba: alibabaSchedules({ client: alibaba.client, stage: 'test', now }),
    },
    log,
    now,
    wake: async (at) => {
      wakes.push(at);
    },
    atWork: new Map(),
    lately: new Map(),
    leaseMs: 60_000,
    owner: 'test',
    reconcileSettleMs: 10_000,
    timing: POLL_TIMING,
    standIn: async () => {},
    secondsPerMinute: 60,
    // One pass at a time.
    budgetMs: 0,
    sleep: async () => {},
    wanted: {
      get digest() {
        return digest;
      },
      load: async () => {
        loads += 1;
        return standing;
      },
    },
  };

  return {
    context,
    events,
    logged,
    wakes,
    engine,
    tat,
    assistant,
    tencent,
    alibaba,
    loads: () => loads,
    /** Moves TAT's time forward. */
    jump(ms: number) {
      aheadMs += ms;
    },
    /** Moves Cloud Assistant's time forward, and ours. */
    async advance(ms: number) {
      useManual = true;
      await manual.advance(ms);
    },
    /** What the rules file says from now on. */
    setRules(schedules: readonly StandingSchedule[]) {
      standing = schedules;
      digest = randomUUID();
    },
    /** Requests with effects on schedules, by action, over both clouds. */
    effects: () =>
      Object.fromEntries(
        Object.entries({ ...tat.requestCounts, ...assistant.requestCounts }).filter(
          ([action]) => !action.startsWith('Describe'),
        ),
      ),
    requests: () => ({ ...tat.requestCounts, ...assistant.requestCounts }),
    poll: () => poll(context),
    cancel: (runId: RunId) => cancelRun(runId, 'ann', context),
    /** Event types about a run, in their order, with the states that they tell. */
    told: (runId: string) =>
      events.filter(({ subject }) => subject === runId).map(({ type, data }) => `${type} ${data.status}`),
  };
}

export function aStanding(more: Partial<StandingSchedule> = {}): StandingSchedule {
  return {
    name: 'logrotate',
    provider: 'tencent',
    region: TENCENT_REGION,
    command: 'cmd-echo0001',
    instances: ['ins-local001'],
    parameters: { text: 'rotated' },
    timing: { recurrence: '0 3 * * *' },
    isEnabled: true,
    notify: [DESTINATION],
    ...more,
  };
}

export function anAlibabaStanding(more: Partial<StandingSchedule> = {}): StandingSchedule {
  return aStanding({
    provider: 'alibaba',
    region: ALIBABA_REGION,
    command: 'c-echo0001',
    instances: ['i-local001'],
    timing: { recurrence: 'rate(2m)' },
    ...more,
  });
}

export function aRequest(
  when: { at: string } | { recurrence: string },
  more: Flat<ScheduleRequest> = {},
): ScheduleRequest {
  const id = randomUUID();
  const request: ScheduleRequest = {
    version: 2,
    action: 'schedule',
    runId: runIdFor('patch-tonight', 'slack', id),
    rule: 'patch-tonight',
    trigger: { source: 'slack', type: 'chat.command', id },
    notify: [DESTINATION],
    requestedAt: new Date().toISOString(),
    target: {
      provider: 'tencent',
      region: TENCENT_REGION,
      command: 'cmd-echo0001',
      instances: ['ins-local001'],
      parameters: { text: 'patched' },
    },
    ...when,
  };
  return withGiven(request, more);
}

export function anAlibabaRequest(when: { at: string } | { recurrence: string }): ScheduleRequest {
  return aRequest(when, {
    provider: 'alibaba',
    region: ALIBABA_REGION,
    command: 'c-echo0001',
    instances: ['i-local001'],
  });
}
