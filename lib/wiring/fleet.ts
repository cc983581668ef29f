/** The dependencies behind the queue: table, clouds, destinations, wake-ups. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { destinationsOf } from '../completions/destinations.ts';
import { measureTold } from '../completions/measure-told.ts';
import { sqsDestination } from '../completions/sqs-destination.ts';
import type { BehindConfig } from '../config.ts';
import { embeddedMetrics } from '../metrics.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import { fleetCache } from '../providers/fleet-cache.ts';
import { deliveriesQueue } from '../queues/deliveries-queue.ts';
import { runsQueue } from '../queues/runs-queue.ts';
import { wakeUpQueue } from '../queues/wake-up-queue.ts';
import { circuitsOf } from '../runs/circuits.ts';
import { POLL_TIMING } from '../runs/poll-timing.ts';
import { dynamoAuditLog } from '../store/dynamodb-audit-log.ts';
import { dynamoEventLog } from '../store/dynamodb-event-log.ts';
import { dynamoGuardStore } from '../store/dynamodb-guard-store.ts';
import { rulesSeen } from '../store/dynamodb-rules-seen.ts';
import { dynamoRunStore } from '../store/dynamodb-run-store.ts';
import { dynamoScheduleLedger } from '../store/dynamodb-schedule-ledger.ts';
import { dynamoLastLook } from '../store/last-look.ts';
import type { awsClients } from './clients.ts';
import { logOf } from './log.ts';
import { providersOf, schedulesOf } from './providers.ts';
import { repliesOf } from './replies.ts';

/** Longer than dispatch may run (serverless.yml: 60 s), so that two never work on one run. */
const LEASE_MS = 70_000;
/** Where a deployment hears of its clouds: they belong to no rule. */
const PROVIDER_EVENTS = { name: 'completions', sqs: 'completions' };
const REPLY_WITHIN_MS = 5_000;
/** How long a provider may take to show an invocation whose answer was lost. */
const RECONCILE_SETTLE_MS = 10_000;

export async function fleetParts(
  service: string,
  config: BehindConfig,
  { client, documents }: ReturnType<typeof awsClients>,
) {
  const table = { client: documents, table: config.RUNS_TABLE };
  const now = () => new Date();
  const providers = await providersOf(config);
  const log = logOf(service, config);
  const store = dynamoRunStore({
    ...table,
    onUnreadable: ({ code, message }) => log.error('run.unreadable', { code, error: message }),
  });
  const audit = dynamoAuditLog({ ...table, recordsTable: config.RECORDS_TABLE, days: config.AUDIT_DAYS });
  const wakeUps = wakeUpQueue(client, config.WAKE_UP_QUEUE_URL, now);
  const guards = dynamoGuardStore(table);
  const metrics = embeddedMetrics(config.STAGE);
  const providerEvents = sqsDestination(client, PROVIDER_EVENTS, config.QUEUE_PREFIX);
  return {
    client,
    store,
    guards,
    circuits: circuitsOf({
      cells: guards,
      failures: config.CIRCUIT_FAILURES,
      stage: config.STAGE,
      tell: (event) => providerEvents.send([event]),
      metrics,
      log,
      now,
    }),
    lastLook: dynamoLastLook(table),
    providers,
    fleets: fleetCache({ providers, maxAgeMs: config.FLEET_CACHE_SECONDS * 1000, now }),
    schedules: schedulesOf(providers),
    ledger: dynamoScheduleLedger(table),
    events: dynamoEventLog({ ...table, recordsTable: config.RECORDS_TABLE }),
    audit,
    noteRules: rulesSeen({ ...table, audit, now }),
    publishing: {
      stage: config.STAGE,
      resolve: destinationsOf({
        client,
        queuePrefix: config.QUEUE_PREFIX,
        deliveries: deliveriesQueue(client, config.DELIVERIES_QUEUE_URL),
        log,
      }),
      reply: repliesOf(config, log, REPLY_WITHIN_MS).reply,
      told: (events: readonly CompletionEvent[]) => measureTold(events, metrics, now()),
    },
    runsQueue: runsQueue(client, config.RUNS_QUEUE_URL),
    wake: wakeUps.wake,
    standIn: wakeUps.standIn,
    log,
    metrics,
    now,
    sleep: async (ms: number) => {
      await sleep(ms);
    },
    atWork: new Map(),
    lately: new Map(),
    owner: randomUUID(),
    leaseMs: LEASE_MS,
    reconcileSettleMs: RECONCILE_SETTLE_MS,
    timing: POLL_TIMING,
  };
}
