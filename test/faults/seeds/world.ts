/** Plays a plan: door, dispatch, poller and clouds, until nothing is left to do. */
import type { Context, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { destinationsOf } from '../../../lib/completions/destinations.ts';
import { sqsDestination } from '../../../lib/completions/sqs-destination.ts';
import type { CorrelatedLog } from '../../../lib/logging.ts';
import { CompletionEvent } from '../../../lib/model/completion-event.ts';
import { DeliveryRequest } from '../../../lib/model/delivery.ts';
import type { Run } from '../../../lib/model/run.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { fleetCache } from '../../../lib/providers/fleet-cache.ts';
import { queueHandler } from '../../../lib/queues/consume.ts';
import { deliveriesQueue } from '../../../lib/queues/deliveries-queue.ts';
import { recordsQueue } from '../../../lib/queues/records-queue.ts';
import { runsQueue } from '../../../lib/queues/runs-queue.ts';
import { wakeUpQueue } from '../../../lib/queues/wake-up-queue.ts';
import { carryOut } from '../../../lib/runs/carry-out.ts';
import { circuitsOf } from '../../../lib/runs/circuits.ts';
import { decide } from '../../../lib/runs/decide.ts';
import type { DispatchContext } from '../../../lib/runs/dispatch-context.ts';
import { poll } from '../../../lib/runs/poll.ts';
import { POLL_TIMING } from '../../../lib/runs/poll-timing.ts';
import { isFiredHere, scheduleHere } from '../../../lib/runs/schedule-here.ts';
import { dynamoGuardStore } from '../../../lib/store/dynamodb-guard-store.ts';
import { dynamoRunStore } from '../../../lib/store/dynamodb-run-store.ts';
import { dynamoLastLook } from '../../../lib/store/last-look.ts';
import { NO_CHAT } from '../../fixtures/no-chat.ts';
import { rememberedContents } from '../../fixtures/remembered-contents.ts';
import { type CloudName, type Execution, startCloud } from './cloud.ts';
import { earlierMessage, writeAsEarlier } from './earlier.ts';
import { faultsOf } from './faults.ts';
import type { Plan, PlannedEvent } from './plan.ts';
import { type Process, startProcess } from './process.ts';
import { startQueues } from './queues.ts';
import { INSTANCES, RULES } from './rules.ts';
import { simulation } from './simulation.ts';
import { startTable, TABLE } from './table.ts';

const T0 = Date.parse('2026-11-21T03:00:00.000Z');
/** As in serverless.yml and lib/wiring/fleet.ts. */
const QUEUES = {
  runs: { visibilityMs: 360_000, maxReceives: 1000 },
  'wake-up': { visibilityMs: 330_000, maxReceives: 3 },
};
const DISPATCH_MS = 60_000;
const POLLER_MS = 55_000;
const POLLER_BUDGET_MS = 43_000;
const LEASE_MS = 70_000;
const SETTLE_MS = 10_000;
const CIRCUIT_FAILURES = 5;
const MINUTE_MS = 60_000;
/** By then every run has ended: deadline, time-out and grace of a run in three waves, a freeze and a cloud that was away. */
const HORIZON_MS = 3 * 60 * MINUTE_MS;

export interface Played {
  /** The runs that the door took, by id. */
  accepted: ReadonlySet<string>;
  /** As they are stored at the end. */
  runs: readonly Run[];
  executions: readonly Execution[];
  told: readonly CompletionEvent[];
  /** Every item of the table. */
  items: readonly Record<string, unknown>[];
  deadLetters: readonly string[];
  /** When calls that send began, of the freeze too. */
  isQuiet: boolean;
  nowMs: number;
  faults: ReadonlyMap<string, number>;
  lines: readonly string[];
}

export async function play(plan: Plan): Promise<Played> {
  const sim = simulation(T0, plan.order);
  const faults = faultsOf(plan.faults);
  const table = startTable(sim, plan.indexLagMs);
  const store = dynamoRunStore({ client: table.client, table: TABLE, now: () => new Date(sim.now()) });
  const accepted = new Set<string>();
  let started = 0;
  let working = 0;
  let planned = 0;
  let onRunsQueue = 0;

  let tasks = 0;
  const cloudOf = (name: CloudName) =>
    startCloud(name, sim, {
      away: plan.away.flatMap(([which, fromS, forS]) =>
        which === name ? [[T0 + fromS * 1000, T0 + (fromS + forS) * 1000] as const] : [],
      ),
      showsWithinMs: 4_000,
      taskOf() {
        const [end, seconds] = plan.tasks[tasks % plan.tasks.length] ?? ['succeeded', 1];
        tasks += 1;
        return { end, ms: 300 + seconds * 1000 };
      },
    });
  const clouds = { tencent: cloudOf('tencent'), alibaba: cloudOf('alibaba') };

  const queues = startQueues(sim, QUEUES, {
    onVisible: (queue) => {
      if (queue === 'runs') pumpDispatch();
      if (queue === 'wake-up') pumpPoller();
    },
    onSend(queue, body) {
      if (queue !== 'runs') return body;
      onRunsQueue += 1;
      return plan.earlier.includes(onRunsQueue) ? earlierMessage(body) : body;
    },
  });

  const begin = (what: string): Process => {
    const skewMs = plan.skewsMs[started % plan.skewsMs.length] ?? 0;
    started += 1;
    return startProcess(`${what}-${started}`, { sim, faults, skewMs });
  };

  const logOf = (process: Process): CorrelatedLog => {
    const write =
      (level: string) =>
      (event: string, facts: Readonly<Record<string, unknown>> = {}) => {
        const { stack: _, ...shown } = facts;
        sim.trace(`${process.name} ${level} ${event} ${JSON.stringify(shown)}`);
      };
    return {
      debug: () => {},
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      correlate: () => {},
    };
  };

  const partsOf = (process: Process) => {
    const client = queues.clientOf(process);
    const documents = { client: table.clientOf(process), table: TABLE };
    const { now, sleep } = process;
    const log = logOf(process);
    const guards = dynamoGuardStore({ ...documents, sleep });
    const deliveries = deliveriesQueue(client, 'https://sqs/deliveries', sleep);
    const wakeUps = wakeUpQueue(client, 'https://sqs/wake-up', now);
    const providers = {
      tencent: clouds.tencent.providerOf(process),
      alibaba: clouds.alibaba.providerOf(process),
    };
    return {
      client,
      store: dynamoRunStore({ ...documents, now, sleep }),
      guards,
      circuits: circuitsOf({
        cells: guards,
        failures: CIRCUIT_FAILURES,
        stage: 'test',
        tell: (event) => sqsDestination(client, { name: 'clouds', sqs: 'clouds' }).send([event]),
        metrics: { add: () => {} },
        log,
        now,
      }),
      lastLook: dynamoLastLook(documents),
      providers,
      fleets: fleetCache({ providers, maxAgeMs: 120_000, now }),
      publishing: {
        stage: 'test',
        reply: async () => {},
        resolve: destinationsOf({ client, deliveries, log }),
      },
      runsQueue: runsQueue(client, 'https://sqs/runs'),
      recordsQueue: recordsQueue(client, 'https://sqs/records'),
      events: { put: async () => {} },
      audit: { add: async () => true },
      wake: wakeUps.wake,
      standIn: wakeUps.standIn,
      log,
      now,
      sleep,
      atWork: new Map(),
      lately: new Map(),
      owner: process.name,
      leaseMs: LEASE_MS,
      reconcileSettleMs: SETTLE_MS,
      timing: POLL_TIMING,
    } satisfies DispatchContext & Record<string, unknown>;
  };

  /** Lets a function work at something, and ends it at its time-out. */
  const work = async (process: Process, timeoutMs: number, job: () => Promise<void>): Promise<void> => {
    working += 1;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const watch = (): void => {
      if (isOver) return;
      if (process.isDead() || sim.now() >= endsAtMs) {
        process.kill('its time is over');
        resolve();
      } else sim.schedule(sim.now() + 1_000, watch);
    };
    let isOver = false;
    const endsAtMs = sim.now() + timeoutMs;
    sim.schedule(sim.now() + 1_000, watch);
    await Promise.race([
      job().catch((thrown: unknown) => sim.trace(`${process.name} throws ${String(thrown)}`)),
      over,
    ]);
    isOver = true;
    working -= 1;
  };

  /** Function instances of dispatch: as many as there may be at once, used again as long as they live. */
  const idle: { process: Process; handle: (event: SQSEvent) => Promise<void> }[] = [];
  let dispatching = 0;
  const startDispatch = () => {
    const process = begin('dispatch');
    const parts = partsOf(process);
    const handler = queueHandler({
      ...parts,
      queueUrl: 'https://sqs/runs',
      deadLetterUrl: 'https://sqs/runs-dlq',
      handle: (record) =>
        carryOut(record, {
          ...parts,
          schedule: async (request) => {
            if (!isFiredHere(request))
              throw new Error('the rules of the model ask for no schedule of a cloud');
            return await scheduleHere(request, parts);
          },
        }),
    });
    // The function's real time says nothing here: it is ended by the clock of the world.
    const context = z.custom<Context>(() => true).parse({ awsRequestId: process.name });
    return {
      process,
      async handle(event: SQSEvent) {
        const response = await handler(event, context);
        if (!process.isDead()) queues.settle('runs', event, response);
      },
    };
  };
  const pumpDispatch = (): void => {
    if (dispatching >= 2) return;
    const event = queues.receive('runs');
    if (event === undefined) return;
    dispatching += 1;
    const instance = idle.pop() ?? startDispatch();
    void work(instance.process, DISPATCH_MS, () => instance.handle(event)).then(() => {
      dispatching -= 1;
      if (!instance.process.isDead()) idle.push(instance);
      pumpDispatch();
    });
    pumpDispatch();
  };

  let polling = 0;
  const startPoller = (event?: SQSEvent): void => {
    if (polling >= 3) return;
    polling += 1;
    const process = begin('poller');
    void work(process, POLLER_MS, async () => {
      await poll({ ...partsOf(process), budgetMs: POLLER_BUDGET_MS, secondsPerMinute: 60 });
      if (event !== undefined && !process.isDead())
        queues.settle('wake-up', event, { batchItemFailures: [] });
    }).then(() => {
      polling -= 1;
    });
  };
  const pumpPoller = (): void => {
    if (polling >= 2) return;
    const event = queues.receive('wake-up');
    if (event !== undefined) startPoller(event);
  };
  const tick = (): void => {
    startPoller();
    if (plan.hasTwoPollers) startPoller();
    sim.schedule(sim.now() + MINUTE_MS, tick);
  };
  sim.schedule(T0 + 17_000, tick);

  const plans = (atMs: number, job: () => Promise<void>): void => {
    planned += 1;
    sim.schedule(atMs, () => {
      void job().finally(() => {
        planned -= 1;
      });
    });
  };
  /** Its sender repeats a delivery until it was taken. */
  const deliver = async (event: TriggerEvent): Promise<void> => {
    for (let isTaken = false; !isTaken; ) {
      const process = begin('door');
      await work(process, 10_000, async () => {
        const parts = partsOf(process);
        const outcomes = await decide(
          [event],
          { askedAt: new Date(sim.now()) },
          { ...parts, ruleSet: RULES, contents: rememberedContents(), chat: NO_CHAT },
        );
        for (const { runId } of outcomes.flatMap(({ matched }) => matched)) accepted.add(runId);
        isTaken = true;
      });
      await sim.sleep(5_000 + sim.random() * 10_000);
    }
  };
  for (const [index, one] of plan.events.entries()) {
    const event = eventOf(one, index);
    plans(T0 + one.atS * 1000, async () => {
      for (let left = one.deliveries; left > 0; left -= 1) await deliver(event);
    });
  }
  for (const atS of plan.earlierSaves) {
    plans(T0 + atS * 1000, () => sim.hold(() => writeAsEarlier(table, store)));
  }
  if (plan.frozen !== undefined) {
    const [fromS, forS] = plan.frozen;
    const guards = dynamoGuardStore({ client: table.client, table: TABLE });
    const until = new Date(T0 + (fromS + forS) * 1000);
    plans(T0 + fromS * 1000, () =>
      sim.hold(() => guards.setFreeze({ by: 'ann', reason: 'look at it', until })),
    );
  }

  const isQuiet = (): boolean =>
    planned === 0 &&
    working === 0 &&
    table.liveRuns() === 0 &&
    queues.bodies('runs').length === 0 &&
    !clouds.tencent.isBusy() &&
    !clouds.alibaba.isBusy();
  await sim.run(isQuiet, T0 + HORIZON_MS);

  const items = table.items();
  const ids = items.flatMap(({ pk, sk }) => (sk === 'RUN' ? [String(pk).slice('RUN#'.length)] : []));
  return {
    accepted,
    runs: await store.getMany(ids),
    executions: [...clouds.tencent.executions(), ...clouds.alibaba.executions()],
    // What its queue did not take is durable on the queue of the deliveries.
    told: [
      ...queues.bodies('completions').map((body) => CompletionEvent.parse(JSON.parse(body))),
      ...queues.bodies('deliveries').map((body) => DeliveryRequest.parse(JSON.parse(body)).event),
    ],
    items,
    deadLetters: queues.bodies('runs-dlq'),
    isQuiet: isQuiet(),
    nowMs: sim.now(),
    faults: faults.counts,
    lines: sim.lines,
  };
}

function eventOf({ alert, instances, atS }: PlannedEvent, index: number): TriggerEvent {
  const fleet = INSTANCES[alert.startsWith('shop') ? 'shop' : 'web'] ?? [];
  const chosen = fleet.filter((_, bit) => (instances & (1 << bit)) !== 0);
  const status = alert === 'resolved' ? 'resolved' : 'firing';
  const at = new Date(T0 + atS * 1000);
  return {
    specversion: '1.0',
    id: `event-${index}`,
    source: 'alertmanager',
    kind: 'alert',
    type: `alert.${status}`,
    time: at.toISOString(),
    data: {
      status,
      name: alert,
      labels: { instance: chosen.join(','), at: new Date(at.getTime() + 45_000).toISOString() },
      annotations: {},
      fingerprint: `fingerprint-${index}`,
      startsAt: at.toISOString(),
    },
  };
}
