/**
 * What reading costs as 30 days of records pile up: the newest page of the runs, of one rule's runs, of the decisions
 * about events, and one run by its id; in table reads, read units and ms, beside a scan of the whole table.
 * Run: node bench/records.ts
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { runIdFor } from '../lib/model/run-id.ts';
import { rejectedRun } from '../lib/runs/new-run.ts';
import { dynamoEventLog } from '../lib/store/dynamodb-event-log.ts';
import { dynamoRunStore } from '../lib/store/dynamodb-run-store.ts';
import { LOCAL_AWS } from '../local/stack/local-aws.ts';
import { TABLES } from './backend-messages.ts';
import { difference } from './counting-proxy.ts';
import { median, report } from './report.ts';
import { startBackend } from './start-backend.ts';

const DAYS = [1, 7, 30];
const RUNS_A_DAY = 100;
const EVENTS_A_DAY = 300;
/** One run in so many is of the rule that is asked for by its name. */
const ONE_IN = 20;
const DAY_MS = 86_400_000;
const PAGE = 20;
const ROUNDS = 5;

const backend = await startBackend({
  rules: '{ version: 1, rules: [] }',
  fleet: '{ version: 1, instances: [] }',
});
const dynamodb = new DynamoDBClient({ ...LOCAL_AWS, endpoint: backend.proxied.table });
const client = DynamoDBDocumentClient.from(dynamodb, { marshallOptions: { removeUndefinedValues: true } });
const store = dynamoRunStore({ client, table: TABLES.RunsTable });
const events = dynamoEventLog({ client, table: TABLES.RunsTable, recordsTable: TABLES.RecordsTable });
const newest = Date.now();

try {
  let stored = 0;
  for (const days of DAYS) {
    for (; stored < days; stored += 1) await fillDay(stored);
    const last = runIdFor('rule-0', 'generic', 'run-0-0');
    const scans = {
      runs: await cost(() => scan(TABLES.RunsTable), 1),
      records: await cost(() => scan(TABLES.RecordsTable), 1),
    };
    await compare('the newest runs', days, () => store.list({ limit: PAGE }), scans.runs);
    await compare(
      'the newest runs of one rule',
      days,
      () => store.list({ limit: PAGE, rule: 'rule-0' }),
      scans.runs,
    );
    await compare('the newest decisions', days, () => events.list({ limit: PAGE }), scans.records);
    await compare('one run', days, () => store.get(last), scans.runs);
  }
} finally {
  dynamodb.destroy();
  await backend.stop();
}

interface Cost {
  reads: number;
  units: number;
  ms: number;
}

async function compare(what: string, days: number, read: () => Promise<unknown>, whole: Cost): Promise<void> {
  const ours = await cost(read);
  const one = { bench: 'records', better: 'lower', at: { days } } as const;
  const peer = 'a scan of the table';
  report({
    ...one,
    figure: `${what}, read units`,
    unit: 'units',
    ours: ours.units,
    beside: { [peer]: whole.units },
  });
  report({
    ...one,
    figure: `${what}, reads`,
    unit: 'reads',
    ours: ours.reads,
    beside: { [peer]: whole.reads },
  });
  report({ ...one, figure: `${what}, time`, unit: 'ms', ours: ours.ms, beside: { [peer]: whole.ms } });
}

/** Of one call, the middle of some. */
async function cost(read: () => Promise<unknown>, rounds = ROUNDS): Promise<Cost> {
  const times: number[] = [];
  const { table: before } = await backend.counts();
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    await read();
    times.push(performance.now() - startedAt);
  }
  const { reads, units } = difference((await backend.counts()).table, before);
  return { reads: reads / rounds, units: units.read / rounds, ms: median(times) };
}

/** Every page, as something without an index would read it. */
async function scan(TableName: string): Promise<void> {
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName, ExclusiveStartKey }));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
}

async function fillDay(day: number): Promise<void> {
  const at = (index: number, of: number) => new Date(newest - day * DAY_MS - (index * DAY_MS) / of / 2);
  await Promise.all(
    Array.from({ length: RUNS_A_DAY }, async (_, index) => {
      const rule = `rule-${index % ONE_IN}`;
      const requestedAt = at(index, RUNS_A_DAY);
      const trigger = { source: 'generic', type: 'generic.received', id: `run-${day}-${index}` };
      await store.create(
        rejectedRun(
          {
            version: 2,
            action: 'reject',
            runId: runIdFor(rule, trigger.source, trigger.id),
            rule,
            trigger,
            notify: [],
            requestedAt: requestedAt.toISOString(),
            reason: {
              code: 'guard.cooldown',
              message: 'The rule ran last an hour ago and cools down until noon.',
            },
          },
          requestedAt,
        ),
      );
    }),
  );
  await Promise.all(
    Array.from({ length: EVENTS_A_DAY }, async (_, index) => {
      const receivedAt = at(index, EVENTS_A_DAY).toISOString();
      await events.put({
        version: 1,
        action: 'event',
        source: 'generic',
        eventId: `event-${day}-${index}`,
        type: 'generic.received',
        time: receivedAt,
        receivedAt,
        matched: [],
        unmatched: [{ rule: 'rule-0', because: "`event.data.body.service == 'web'` is false" }],
      });
    }),
  );
}
