/** What is deployed: eight small functions, each with the least that it needs, and nothing that can be lost. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import {
  ConsoleConfig,
  DeliverConfig,
  DispatchConfig,
  PollerConfig,
  QueueConfig,
  RecordsConfig,
  RunsConfig,
  readConfig,
  WebhookConfig,
} from '../../lib/config.ts';
import { EVENT_DAYS, INDEX, key, liveKey, RUN_DAYS } from '../../lib/store/table.ts';
import { readDeployment } from '../../local/stack/serverless-file.ts';
import {
  type Packaging,
  type PackagingOptions,
  packageService,
  type Template,
} from './serverless-package.ts';

const FUNCTIONS: Readonly<Record<Name, () => z.ZodType>> = {
  webhook: WebhookConfig,
  queue: QueueConfig,
  dispatch: DispatchConfig,
  records: RecordsConfig,
  deliver: DeliverConfig,
  poller: PollerConfig,
  runs: RunsConfig,
  console: ConsoleConfig,
};
const NAMES = ['webhook', 'queue', 'dispatch', 'records', 'deliver', 'poller', 'runs', 'console'] as const;
type Name = (typeof NAMES)[number];

/** A bundle that grows beyond this has taken in something that no function needs. */
const MAX_ZIP_BYTES = 900_000;
const MAX_CODE_BYTES = 3_000_000;

const Statement = z.strictObject({
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]).transform((it) => [it].flat()),
  Resource: z.unknown(),
  Condition: z.unknown().optional(),
});
const Role = z.strictObject({
  AssumeRolePolicyDocument: z.strictObject({
    Version: z.literal('2012-10-17'),
    Statement: z.array(z.unknown()),
  }),
  Policies: z.array(
    z.strictObject({
      PolicyName: z.string(),
      PolicyDocument: z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(Statement) }),
    }),
  ),
});
const Lambda = z.looseObject({
  Runtime: z.string(),
  Architectures: z.array(z.string()),
  Handler: z.string(),
  Timeout: z.int(),
  MemorySize: z.int(),
  Role: z.unknown(),
  Environment: z.looseObject({ Variables: z.record(z.string(), z.unknown()) }),
});
const GetArn = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) });
const Queue = z.strictObject({
  QueueName: z.string(),
  VisibilityTimeout: z.int().optional(),
  MessageRetentionPeriod: z.int(),
  SqsManagedSseEnabled: z.literal(true),
  RedrivePolicy: z.strictObject({ deadLetterTargetArn: GetArn, maxReceiveCount: z.int() }).optional(),
});

const QueuePolicy = z.strictObject({
  Queues: z.tuple([z.strictObject({ Ref: z.string() })]),
  PolicyDocument: z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(z.unknown()) }),
});

const Throttle = z.strictObject({
  ThrottlingRateLimit: z.int().positive(),
  ThrottlingBurstLimit: z.int().positive(),
  DetailedMetricsEnabled: z.literal(true),
});
const Stage = z.looseObject({
  DefaultRouteSettings: Throttle,
  RouteSettings: z.record(z.string(), Throttle),
});
const Route = z.looseObject({
  RouteKey: z.string(),
  Target: z.strictObject({
    'Fn::Join': z.tuple([
      z.literal('/'),
      z.tuple([z.literal('integrations'), z.strictObject({ Ref: z.string() })]),
    ]),
  }),
});

const Alarm = z.looseObject({
  MetricName: z.literal('ApproximateNumberOfMessagesVisible'),
  Dimensions: z.tuple([z.strictObject({ Name: z.literal('QueueName'), Value: z.string() })]),
  Threshold: z.literal(0),
});

let packaging: Packaging;
let resources: Template['Resources'];

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:on-call';

beforeAll(async () => {
  packaging = await packageService({ args: ['--param', `alarmTopics=${TOPIC}`] });
  expect(packaging.said).toContain('Service packaged');
  ({ Resources: resources } = packaging.template());
}, 300_000);
afterAll(() => packaging?.remove());

const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
const lambdaOf = (name: Name) =>
  Lambda.parse(resources[`${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`]?.Properties);

describe('the functions', () => {
  it('are these, with time for what they do', () => {
    expect(ofType('AWS::Lambda::Function')).toHaveLength(NAMES.length);
    const facts = NAMES.map((name) => {
      const { Runtime, Architectures, Handler, Timeout, MemorySize } = lambdaOf(name);
      return [name, Handler, Runtime, Architectures.join(), Timeout, MemorySize];
    });
    expect(facts).toEqual([
      ['webhook', 'handlers/webhook.handler', 'nodejs24.x', 'arm64', 10, 1024],
      ['queue', 'handlers/queue.handler', 'nodejs24.x', 'arm64', 30, 512],
      ['dispatch', 'handlers/dispatch.handler', 'nodejs24.x', 'arm64', 60, 512],
      ['records', 'handlers/records.handler', 'nodejs24.x', 'arm64', 30, 512],
      ['deliver', 'handlers/deliver.handler', 'nodejs24.x', 'arm64', 60, 512],
      ['poller', 'handlers/poller.handler', 'nodejs24.x', 'arm64', 55, 512],
      ['runs', 'handlers/runs.handler', 'nodejs24.x', 'arm64', 10, 512],
      ['console', 'handlers/console.handler', 'nodejs24.x', 'arm64', 10, 256],
    ]);
  });

  it.each(NAMES)('%s finds every setting that it needs in its environment', (name) => {
    expect(() => readConfig(FUNCTIONS[name], environmentOf(name))).not.toThrow();
  });

  it.each(NAMES)('%s is its code and the compiled rules, and no more than it needs', (name) => {
    const { bytes, files } = packaging.files(name);
    const own = new RegExp(`^handlers/${name}\\.([\\w-]+\\.)?mjs$`);
    expect([...files.keys()].filter((path) => !own.test(path))).toEqual(['rules.json']);
    expect(files.has(`handlers/${name}.mjs`)).toBe(true);
    expect(bytes).toBeLessThan(MAX_ZIP_BYTES);
    expect([...files.values()].reduce((sum, { length }) => sum + length, 0)).toBeLessThan(MAX_CODE_BYTES);
  });

  it.each(NAMES)('%s starts from its package alone', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'function-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [path, content] of packaging.files(name).files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const program = `const { handler } = await import('./handlers/${name}.mjs'); console.log(typeof handler); process.exit();`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { cwd: folder, env: { ...environmentOf(name), AWS_REGION: 'us-east-1' } },
    );
    expect(stdout.trim()).toBe('function');
  });

  it('are fed by these queues and this schedule', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => [
      GetArn.parse(Properties['EventSourceArn'])['Fn::GetAtt'][0],
      Properties['BatchSize'],
      Properties['ScalingConfig'],
      Properties['FunctionResponseTypes'],
    ]);
    expect(mappings.toSorted()).toEqual([
      ['DeliveriesQueue', 10, { MaximumConcurrency: 4 }, ['ReportBatchItemFailures']],
      ['EventsQueue', 10, { MaximumConcurrency: 10 }, ['ReportBatchItemFailures']],
      ['RecordsQueue', 10, { MaximumConcurrency: 2 }, ['ReportBatchItemFailures']],
      ['RunsQueue', 10, { MaximumConcurrency: 2 }, ['ReportBatchItemFailures']],
      ['WakeUpQueue', 10, { MaximumConcurrency: 2 }, undefined],
    ]);
    expect(ofType('AWS::Events::Rule').map(([, { Properties }]) => Properties['ScheduleExpression'])).toEqual(
      ['rate(1 minute)'],
    );
  });

  it('answer under these routes and no others', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties['RouteKey']);
    const hooks = ['ANY /hooks/{source}', 'ANY /hooks/{source}/{proxy+}', 'OPTIONS /hooks/{source}'];
    const people = [
      'GET /audit',
      'GET /events',
      'GET /runs',
      'GET /runs/{runId}',
      'POST /runs/{runId}/approve',
      'POST /runs/{runId}/deny',
      'POST /runs/{runId}/cancel',
      'POST /runs/{runId}/resume',
      'POST /reconcile',
    ];
    const freeze = ['GET /freeze', 'PUT /freeze', 'DELETE /freeze'];
    expect(routes.toSorted()).toEqual([...hooks, ...people, ...freeze, 'GET /console'].toSorted());
  });
});

describe('a flood', () => {
  const routes = () =>
    ofType('AWS::ApiGatewayV2::Route').map(([id, { Properties }]) => ({ id, ...Route.parse(Properties) }));
  const stage = () => resources['HttpApiStage'];

  it('at one function takes no place from another, nor all of an account of 1,000', () => {
    const places = Object.fromEntries(
      NAMES.map((name) => [name, z.int().positive().parse(lambdaOf(name)['ReservedConcurrentExecutions'])]),
    );
    expect(places).toEqual({
      webhook: 50,
      queue: 10,
      dispatch: 2,
      records: 2,
      deliver: 4,
      poller: 3,
      runs: 30,
      console: 2,
    });
    expect(Object.values(places).reduce((sum, it) => sum + it, 0)).toBeLessThan(110);
  });

  it('of messages has its places: no queue calls more of a function than there are', () => {
    for (const [, { Properties }] of ofType('AWS::Lambda::EventSourceMapping')) {
      const { MaximumConcurrency } = z
        .looseObject({ MaximumConcurrency: z.int() })
        .parse(Properties['ScalingConfig']);
      const [id] = GetArn.parse(Properties['FunctionName'])['Fn::GetAtt'];
      expect(MaximumConcurrency).toBeLessThanOrEqual(
        z.int().parse(resources[id]?.Properties['ReservedConcurrentExecutions']),
      );
    }
  });

  it('at one route takes nothing from another: each has a limit, and together they fit the function’s places', () => {
    const { RouteSettings, DefaultRouteSettings } = Stage.parse(stage()?.Properties);
    expect(Object.keys(RouteSettings).toSorted()).toEqual(
      routes()
        .map(({ RouteKey }) => RouteKey)
        .toSorted(),
    );
    const bursts = new Map<string, number>();
    for (const { RouteKey, Target } of routes()) {
      const [, [, { Ref }]] = Target['Fn::Join'];
      const burst = RouteSettings[RouteKey]?.ThrottlingBurstLimit ?? Number.POSITIVE_INFINITY;
      bursts.set(Ref, (bursts.get(Ref) ?? 0) + burst);
    }
    expect(Object.fromEntries(bursts)).toEqual({
      HttpApiIntegrationWebhook: 50,
      HttpApiIntegrationRuns: 29,
      HttpApiIntegrationConsole: 2,
    });
    // Whether the default counts for each route or for all of them, it holds none of them back.
    const limits = Object.values(RouteSettings);
    const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, it) => sum + it, 0);
    expect(DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThanOrEqual(
      sumOf(limits.map(({ ThrottlingRateLimit }) => ThrottlingRateLimit)),
    );
    expect(DefaultRouteSettings.ThrottlingBurstLimit).toBeGreaterThanOrEqual(
      sumOf(limits.map(({ ThrottlingBurstLimit }) => ThrottlingBurstLimit)),
    );
  });

  it('is limited from the first deployment on: the stage is made after the routes that it names', () => {
    expect(
      z
        .object({ DependsOn: z.array(z.string()) })
        .parse(stage())
        .DependsOn.toSorted(),
    ).toEqual(
      // And after the log that it writes to.
      ['HttpApiLogGroup', ...routes().map(({ id }) => id)].toSorted(),
    );
  });
});

/** As CloudFormation's `Fn::Sub` has it. */
const arn = (service: string, name: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${name}`;

describe('the roles', () => {
  const source = arn('ssm', 'parameter/fleet-reflex/prod/sources/*');
  const replies = arn('ssm', 'parameter/fleet-reflex/prod/replies/*');
  const cloudKeys = ['tencent', 'alibaba'].map((cloud) =>
    arn('secretsmanager', `secret:fleet-reflex/prod/${cloud}-??????`),
  );
  const completions = 'CompletionsQueue';
  const [table, due] = ['RunsTable', `\${RunsTable.Arn}/index/due`];
  const lists = ['list', 'days'].map((index) => `\${RunsTable.Arn}/index/${index}`);
  const consumes = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
  const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const one = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'BatchGetItem', 'BatchWriteItem'];
  const stores = one.map((it) => `dynamodb:${it}`);
  const [records, recordDays] = ['RecordsTable', `\${RecordsTable.Arn}/index/days`];
  const grants = (actions: string[], ...onto: string[]) =>
    actions.flatMap((action) => onto.map((resource) => `${action} ${resource}`));

  /** A function may do this, and nothing else. */
  const MAY: Record<Name, string[]> = {
    webhook: [
      ...grants(logs, 'WebhookLogGroup'),
      ...grants(['ssm:GetParameter'], source, replies),
      ...grants(['dynamodb:GetItem', 'dynamodb:Query'], table, ...lists),
      ...grants(['dynamodb:Query'], recordDays),
      ...grants(['dynamodb:PutItem'], table),
      ...grants(['sqs:SendMessage'], 'RunsQueue', 'RecordsQueue', 'WakeUpQueue'),
    ],
    queue: [
      ...grants(logs, 'QueueLogGroup'),
      ...grants(['dynamodb:GetItem', 'dynamodb:Query'], table, ...lists),
      ...grants(['dynamodb:PutItem'], table),
      ...grants(['sqs:SendMessage'], 'RunsQueue', 'RecordsQueue', 'WakeUpQueue', 'EventsDeadLetterQueue'),
      ...grants([...consumes, 'sqs:ChangeMessageVisibility'], 'EventsQueue'),
    ],
    dispatch: [
      ...grants(logs, 'DispatchLogGroup'),
      ...grants(['ssm:GetParameter'], replies),
      ...grants(stores, table, due, ...lists),
      ...grants(['dynamodb:BatchWriteItem', 'dynamodb:PutItem'], records),
      ...grants(['secretsmanager:GetSecretValue'], ...cloudKeys),
      ...grants(['sqs:SendMessage', 'sqs:GetQueueUrl'], completions),
      ...grants(['sqs:SendMessage'], 'DeliveriesQueue', 'RunsQueue', 'WakeUpQueue', 'RunsDeadLetterQueue'),
      ...grants([...consumes, 'sqs:ChangeMessageVisibility'], 'RunsQueue'),
    ],
    records: [
      ...grants(logs, 'RecordsLogGroup'),
      ...grants(['dynamodb:BatchWriteItem', 'dynamodb:PutItem'], records),
      ...grants(['sqs:SendMessage'], 'RecordsDeadLetterQueue'),
      ...grants([...consumes, 'sqs:ChangeMessageVisibility'], 'RecordsQueue'),
    ],
    deliver: [
      ...grants(logs, 'DeliverLogGroup'),
      ...grants(['ssm:GetParameter'], arn('ssm', 'parameter/fleet-reflex/prod/destinations/*')),
      ...grants(['sqs:SendMessage', 'sqs:GetQueueUrl', 'sns:Publish', 'events:PutEvents'], completions),
      ...grants(logs, completions),
      ...grants(['sqs:SendMessage'], 'DeliveriesDeadLetterQueue'),
      ...grants([...consumes, 'sqs:ChangeMessageVisibility'], 'DeliveriesQueue'),
    ],
    poller: [
      ...grants(logs, 'PollerLogGroup'),
      ...grants(['ssm:GetParameter'], replies),
      ...grants(stores, table, due, ...lists),
      ...grants(['dynamodb:PutItem'], records),
      ...grants(['secretsmanager:GetSecretValue'], ...cloudKeys),
      ...grants(['sqs:SendMessage', 'sqs:GetQueueUrl'], completions),
      ...grants(['sqs:SendMessage'], 'DeliveriesQueue', 'RunsQueue', 'WakeUpQueue'),
      ...grants(consumes, 'WakeUpQueue'),
    ],
    runs: [
      ...grants(logs, 'RunsLogGroup'),
      ...grants(['ssm:GetParameter'], arn('ssm', 'parameter/fleet-reflex/prod/runs-token'), replies),
      ...grants(stores, table, due, ...lists),
      ...grants(['dynamodb:Query'], recordDays),
      ...grants(['dynamodb:PutItem'], records),
      ...grants(['secretsmanager:GetSecretValue'], ...cloudKeys),
      ...grants(['sqs:SendMessage', 'sqs:GetQueueUrl'], completions),
      ...grants(['sqs:SendMessage'], 'DeliveriesQueue', 'RunsQueue', 'WakeUpQueue'),
    ],
    console: grants(logs, 'ConsoleLogGroup'),
  };

  it.each(NAMES)('let %s do what it does, on what it does it to', (name) => {
    const {
      'Fn::GetAtt': [roleName],
    } = GetArn.parse(lambdaOf(name).Role);
    const { AssumeRolePolicyDocument, Policies } = Role.parse(resources[roleName]?.Properties);
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ]);
    const granted = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).flatMap(
      ({ Action, Resource }) => grants(Action, ...resourceNames(Resource)),
    );
    expect(granted.toSorted()).toEqual(MAY[name].toSorted());
  });

  it('let the webhook alone read what web hooks prove themselves with, and the door no key of a cloud', () => {
    const readers = (isMeant: (resource: string) => boolean) =>
      NAMES.filter((name) =>
        Role.parse(resources[GetArn.parse(lambdaOf(name).Role)['Fn::GetAtt'][0]]?.Properties)
          .Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
          .filter(({ Action }) =>
            Action.some((action) => action.startsWith('ssm:') || action.startsWith('secretsmanager:')),
          )
          .some(({ Resource }) => resourceNames(Resource).some(isMeant)),
      );
    // `*` is any text, `?` any character, as IAM reads them.
    const mayRead = (path: string) => (resource: string) => {
      const escaped = resource.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
      return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(path);
    };
    const parameter = (name: string) => arn('ssm', `parameter/fleet-reflex/prod/${name}`);
    expect(readers(mayRead(parameter('sources/slack')))).toEqual(['webhook']);
    expect(readers(mayRead(parameter('sources/slack-reply')))).toEqual(['webhook']);
    expect(readers(mayRead(parameter('replies/slack')))).toEqual(['webhook', 'dispatch', 'poller', 'runs']);
    expect(readers(mayRead(parameter('runs-token')))).toEqual(['runs']);
    const keys = arn('secretsmanager', 'secret:fleet-reflex/prod/tencent-AbCdEf');
    expect(readers(mayRead(keys))).toEqual(['dispatch', 'poller', 'runs']);
  });

  it('let records write the records of events, and no run, claim or freeze', () => {
    const { Policies } = Role.parse(resources['RecordsRole']?.Properties);
    const writes = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter(({ Action }) =>
      Action.some((action) => action.startsWith('dynamodb:')),
    );
    expect(writes.flatMap(({ Action, Resource }) => [Action, resourceNames(Resource)])).toEqual([
      ['dynamodb:BatchWriteItem'],
      ['RecordsTable'],
      ['dynamodb:PutItem'],
      ['RecordsTable'],
    ]);
  });

  it('let nobody change or delete an entry of the audit', () => {
    const onRecords = NAMES.flatMap((name) => {
      const role = resources[`${name[0]?.toUpperCase()}${name.slice(1)}Role`];
      return Role.parse(role?.Properties).Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    }).filter(({ Resource }) => resourceNames(Resource).includes('RecordsTable'));
    const keys = (prefix: string) => ({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${prefix}#*`] },
    });
    const allowed = new Map([
      ['dynamodb:BatchWriteItem', keys(key.event('', '').pk.split('#')[0] ?? '')],
      // Of a new item alone: the condition of the write (test/unit/store/audit-log.test.ts).
      ['dynamodb:PutItem', keys(key.audit('').pk.split('#')[0] ?? '')],
    ]);
    expect(onRecords.length).toBeGreaterThan(4);
    for (const { Action, Condition } of onRecords)
      for (const action of Action) expect([action, Condition]).toEqual([action, allowed.get(action)]);
  });

  it.each(['WebhookRole', 'QueueRole'])(
    'let a door (%s) write what events said, and no other item',
    (role) => {
      const { Policies } = Role.parse(resources[role]?.Properties);
      const writes = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter(({ Action }) =>
        Action.includes('dynamodb:PutItem'),
      );
      expect(writes.map(({ Action, Condition }) => [Action, Condition])).toEqual([
        [
          ['dynamodb:PutItem'],
          {
            'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${key.content('').pk.split('#')[0]}#*`] },
          },
        ],
      ]);
    },
  );

  it('are one for each function, and none allows any action or any resource', () => {
    const names = NAMES.map((name) => GetArn.parse(lambdaOf(name).Role)['Fn::GetAtt'][0]);
    expect(new Set(names).size).toBe(NAMES.length);
    const roles = ofType('AWS::IAM::Role');
    expect(roles.map(([name]) => name).toSorted()).toEqual(names.toSorted());
    const everything = roles.flatMap(([, { Properties }]) =>
      Role.parse(Properties).Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
    );
    for (const { Action, Resource } of everything) {
      expect(Action.filter((action) => action.includes('*'))).toEqual([]);
      expect(resourceNames(Resource)).not.toContain('*');
    }
  });
});

describe('the queues', () => {
  const queues = () =>
    new Map(ofType('AWS::SQS::Queue').map(([id, { Properties }]) => [id, Queue.parse(Properties)]));
  const DAYS_14 = 14 * 86_400;

  it('are six, each with a dead-letter queue that keeps what comes for two weeks', () => {
    const pairs = [...queues().values()].flatMap(({ QueueName, RedrivePolicy }) => {
      if (RedrivePolicy === undefined) return [];
      const dead = queues().get(RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]);
      return [[QueueName, RedrivePolicy.maxReceiveCount, dead?.QueueName, dead?.MessageRetentionPeriod]];
    });
    expect(pairs.toSorted()).toEqual(
      [
        ['completions', 10],
        ['deliveries', 1000],
        ['events', 10],
        ['records', 100],
        ['runs', 1000],
        ['wake-up', 3],
      ].map(([name, receives]) => {
        const queue = `fleet-reflex-prod-${name}`;
        return [queue, receives, `${queue}-dlq`, DAYS_14];
      }),
    );
    expect(queues().size).toBe(2 * pairs.length);
  });

  it('stay with their messages when they get other names', () => {
    for (const [id, queue] of ofType('AWS::SQS::Queue'))
      expect([id, queue['UpdateReplacePolicy']]).toEqual([id, 'Retain']);
  });

  it('hide a message for six times as long as its function may take', () => {
    for (const name of NAMES) {
      for (const { functionName, queue } of readDeployment('serverless.yml').mappings) {
        if (functionName !== name) continue;
        expect([name, queues().get(queue)?.VisibilityTimeout]).toEqual([name, 6 * lambdaOf(name).Timeout]);
      }
    }
  });

  it('have an alarm on every dead letter', () => {
    const dead = [...queues().values()].filter(({ RedrivePolicy }) => RedrivePolicy === undefined);
    const watched = ofType('AWS::CloudWatch::Alarm')
      .filter(([name]) => name.endsWith('DeadLetterAlarm'))
      .map(([, { Properties }]) => Alarm.parse(Properties));
    expect(watched.map(({ Dimensions: [{ Value }] }) => Value).toSorted()).toEqual(
      dead.map(({ QueueName }) => QueueName).toSorted(),
    );
  });

  it('are not all: an alarm says that a cloud does not answer, of this stage', () => {
    const alarm = ofType('AWS::CloudWatch::Alarm').find(([name]) => name === 'CircuitOpenAlarm');
    expect(alarm?.[1].Properties).toMatchObject({
      Namespace: 'FleetReflex',
      MetricName: 'CircuitOpen',
      Dimensions: [{ Name: 'stage', Value: 'prod' }],
      Threshold: 0,
      TreatMissingData: 'notBreaching',
    });
  });

  it('have an alarm on a destination that is down, made of what the function says', () => {
    const [[, filter] = []] = ofType('AWS::Logs::MetricFilter');
    expect(filter?.Properties).toMatchObject({
      LogGroupName: { Ref: 'DeliverLogGroup' },
      FilterPattern: '{ $.message = "destination.down" }',
      MetricTransformations: [{ MetricNamespace: 'FleetReflex', MetricName: 'DestinationDown' }],
    });
    expect(resources['DestinationDownAlarm']?.Properties).toMatchObject({
      Namespace: 'FleetReflex',
      MetricName: 'DestinationDown',
      Threshold: 0,
    });
  });

  /** By the queue; a queue has one policy. */
  const policies = () =>
    new Map(
      ofType('AWS::SQS::QueuePolicy').map(([, { Properties }]) => {
        const { Queues, PolicyDocument } = QueuePolicy.parse(Properties);
        return [Queues[0].Ref, PolicyDocument.Statement];
      }),
    );

  it('take nothing from anybody without TLS, the dead-letter queues neither', () => {
    const denials = [...policies()].map(([queue, [first]]) => [queue, first]);
    expect(Object.fromEntries(denials)).toEqual(
      Object.fromEntries(
        [...queues().keys()].map((queue) => [
          queue,
          {
            Sid: 'OnlyOverTls',
            Effect: 'Deny',
            Principal: '*',
            Action: 'sqs:*',
            Resource: { 'Fn::GetAtt': [queue, 'Arn'] },
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ]),
      ),
    );
    expect(ofType('AWS::SQS::QueuePolicy')).toHaveLength(policies().size);
  });

  it('let the named EventBridge rules in at `events`, and no other rule of the account', () => {
    const allowed = [...policies()].flatMap(([queue, [, ...others]]) => others.map((it) => [queue, it]));
    expect(allowed).toEqual([
      [
        'EventsQueue',
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: { 'Fn::GetAtt': ['EventsQueue', 'Arn'] },
          Condition: {
            ArnEquals: {
              'aws:SourceArn': [{ 'Fn::Sub': arn('events', 'rule/fleet-reflex-prod-alarms') }],
            },
          },
        },
      ],
    ]);
  });

  it('are the ones that the local stack makes, with the same functions behind them', () => {
    const local = readDeployment('serverless.yml');
    const names = (all: Iterable<{ QueueName: string }>, prefix = '') =>
      [...all].map(({ QueueName }) => `${prefix}${QueueName}`).toSorted();
    expect(names(local.queues.values(), 'fleet-reflex-prod-')).toEqual(names(queues().values()));
    expect(local.mappings.map(({ queue, batchSize }) => [queue, batchSize]).toSorted()).toEqual(
      ofType('AWS::Lambda::EventSourceMapping')
        .map(
          ([
            ,
            {
              Properties: { EventSourceArn, BatchSize },
            },
          ]) => [GetArn.parse(EventSourceArn)['Fn::GetAtt'][0], BatchSize],
        )
        .toSorted(),
    );
  });
});

describe('what happens', () => {
  const alarms = () => ofType('AWS::CloudWatch::Alarm');
  const operations = readFileSync('docs/operations.md', 'utf8');

  it('tells the topics that were named, whatever the alarm, and a page says what to do', () => {
    expect(alarms().length).toBeGreaterThan(12);
    for (const [name, { Properties }] of alarms()) {
      expect([name, Properties['AlarmActions']]).toEqual([name, [TOPIC]]);
      expect([name, Properties['AlarmDescription']]).toEqual([
        name,
        expect.stringContaining('docs/operations.md'),
      ]);
      expect(operations).toContain(`\`${name}\``);
    }
  });

  it.each([
    ['EventsAgeAlarm', 'events', 300],
    ['RunsAgeAlarm', 'runs', 3600],
    ['DeliveriesAgeAlarm', 'deliveries', 3600],
  ])('is late: %s looks at the oldest message of %s', (alarm, queue, seconds) => {
    expect(resources[alarm]?.Properties).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateAgeOfOldestMessage',
      Dimensions: [{ Name: 'QueueName', Value: `fleet-reflex-prod-${queue}` }],
      Threshold: seconds,
      TreatMissingData: 'notBreaching',
    });
  });

  it('not at all: a poller that nobody calls is an alarm, and so is one that fails', () => {
    const Dimensions = [{ Name: 'FunctionName', Value: { Ref: 'PollerLambdaFunction' } }];
    expect(resources['PollerSilentAlarm']?.Properties).toMatchObject({
      MetricName: 'Invocations',
      Dimensions,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
    expect(resources['PollerFailsAlarm']?.Properties).toMatchObject({ MetricName: 'Errors', Dimensions });
  });

  it('is on one dashboard, of the queues and functions that are there', () => {
    const [[, dashboard] = []] = ofType('AWS::CloudWatch::Dashboard');
    const body = z.object({ 'Fn::Sub': z.string() }).parse(dashboard?.Properties['DashboardBody'])['Fn::Sub'];
    const { widgets } = z
      .object({
        widgets: z.array(
          z.object({ properties: z.object({ title: z.string(), metrics: z.array(z.array(z.unknown())) }) }),
        ),
      })
      .parse(JSON.parse(body));
    expect(widgets).toHaveLength(6);
    const named = [...body.matchAll(/\$\{(\w+)\}/g)].map(([, id = '']) => id);
    expect(named.filter((id) => resources[id] === undefined)).toEqual([]);
    const queues = ofType('AWS::SQS::Queue').map(([, { Properties }]) => Properties['QueueName']);
    const shown = widgets.flatMap(({ properties }) => properties.metrics.map(([, , , name]) => name));
    expect(queues.filter((name) => !shown.includes(name))).toEqual([]);
  });

  it('is in logs that are kept for a month, the access to the API too, which has no place for a secret', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    expect(groups).toHaveLength(NAMES.length + 1);
    for (const [name, { Properties }] of groups)
      expect([name, Properties['RetentionInDays']]).toEqual([name, 30]);
    const { AccessLogSettings } = z
      .object({ AccessLogSettings: z.object({ DestinationArn: GetArn, Format: z.string() }) })
      .parse(resources['HttpApiStage']?.Properties);
    expect(AccessLogSettings.DestinationArn['Fn::GetAtt'][0]).toBe('HttpApiLogGroup');
    expect(Object.keys(JSON.parse(AccessLogSettings.Format))).toEqual(
      expect.arrayContaining(['requestId', 'time', 'ip', 'method', 'route', 'status', 'ms']),
    );
    // A path has what its sender put there, and a header is a signature.
    expect(AccessLogSettings.Format).not.toMatch(/\$context\.(path|authorizer)|header|query|\$request/i);
  });

  it('tells nobody where no topic is named: such a stage is not deployed', {
    timeout: 180_000,
  }, async () => {
    const [deployed, wrong] = await Promise.all([
      packageService({ env: { npm_lifecycle_event: 'deploy' } }),
      packageService({ args: ['--param', 'alarmTopics=on-call'] }),
    ]);
    onTestFinished(() => {
      for (const done of [deployed, wrong]) done.remove();
    });
    expect([deployed.exitCode, wrong.exitCode]).toEqual([1, 1]);
    expect(deployed.said).toContain('No alarm of the stage prod tells anybody');
    expect(wrong.said).toContain('expected ARNs of SNS topics, or none; got on-call');
  });
});

describe('the tables', () => {
  it('have the keys and indexes of lib/store/table.ts, expire items, and can be restored', () => {
    const tables = ofType('AWS::DynamoDB::Table').toSorted(([a], [b]) => (a > b ? -1 : 1));
    expect(tables.map(([name]) => name)).toEqual(['RunsTable', 'RecordsTable']);
    const [pk, sk] = Object.keys(key.run('run-1'));
    const keys = (names: (string | undefined)[]) => [
      { AttributeName: names[0], KeyType: 'HASH' },
      { AttributeName: names[1], KeyType: 'RANGE' },
    ];
    const days = {
      IndexName: INDEX.days,
      KeySchema: keys(Object.values(EVENT_DAYS.keys)),
      Projection: { ProjectionType: 'ALL' },
    };
    const list = {
      IndexName: INDEX.list,
      KeySchema: keys(Object.values(RUN_DAYS.keys)),
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['runId', 'rule', 'summary'] },
    };
    const due = {
      IndexName: INDEX.due,
      KeySchema: keys(Object.keys(liveKey('', ''))),
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['runId', 'rule', 'isLive'] },
    };
    for (const [[, table], indexes] of [
      [tables[0] ?? [], [due, list, days]],
      [tables[1] ?? [], [days]],
    ] as const) {
      expect(table).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: keys([pk, sk]),
          GlobalSecondaryIndexes: indexes,
          TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          SSESpecification: { SSEEnabled: true },
          DeletionProtectionEnabled: true,
        },
      });
    }
  });
});

describe('the rules that are packaged', () => {
  const rules = (destination: string, text = '') => `version: 1
destinations: { ops: { sqs: ${destination} } }
rules:
  - name: any
    on: generic
    run: { provider: tencent, region: ap-guangzhou, command: cmd-echo0001, instances: ins-local001 }
    notify: [ops]
${text}`;

  it('say where the functions may send, each place by its name', { timeout: 180_000 }, async () => {
    const others = `  audit: { sns: audit }
  bus: { eventbridge: fleet }
  journal: { log: /fleet/events }
  hook: { webhook: 'https://hook.example/x' }
`;
    const other = await packageService({
      rules: rules('ops-completions.fifo').replace(
        /destinations: \{ (.*) \}\n/,
        `destinations:\n  $1\n${others}`,
      ),
    });
    onTestFinished(() => other.remove());
    const sendsOf = (role: string, action: string) =>
      Role.parse(other.template().Resources[role]?.Properties)
        .Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .filter(({ Action }) => Action.includes(action))
        .flatMap(({ Resource }) => resourceNames(Resource));
    const queues = ['CompletionsQueue', arn('sqs', 'ops-completions.fifo')];
    expect(sendsOf('PollerRole', 'sqs:GetQueueUrl')).toEqual(queues);
    for (const role of ['DispatchRole', 'PollerRole', 'RunsRole']) {
      expect(sendsOf(role, 'sns:Publish')).toEqual([]);
    }
    expect(sendsOf('DeliverRole', 'sns:Publish')).toEqual([
      'CompletionsQueue',
      arn('events', 'event-bus/fleet'),
      arn('logs', 'log-group:/fleet/events:*'),
      arn('sns', 'audit'),
      arn('sqs', 'ops-completions.fifo'),
    ]);
    expect(other.said).toContain(
      'this template does not make ops (SQS ops-completions.fifo), audit (SNS audit), bus (EventBridge fleet), journal (CloudWatch log group /fleet/events)',
    );
  });

  it('may send no web hook to this machine', { timeout: 180_000 }, async () => {
    const other = await packageService({
      rules: rules('ops').replace('{ sqs: ops }', "{ webhook: 'http://127.0.0.1:9/x' }"),
    });
    onTestFinished(() => other.remove());
    expect(other.exitCode).toBe(1);
    expect(other.said).toContain('only the local stack reaches it');
  });

  it('are refused whole when there is a mistake in them', { timeout: 180_000 }, async () => {
    const broken = await packageService({ rules: rules('ops', '    when: event.data.\n') });
    onTestFinished(() => broken.remove());
    expect(broken.exitCode).toBe(1);
    expect(broken.said).toContain('rules.yml:8:');
  });
});

describe('the rules file', () => {
  /** One rule on a chat. */
  const rulesOf = (rule: string, user = 'U2CERLKJA') => `version: 1
rules:
  - name: ${rule}
    on: slack
    allow: { users: ['${user}'] }
    run: { provider: tencent, region: ap-guangzhou, command: cmd-ffxdx79i, instances: ins-yx05ky8j }
`;
  const packed = async (options: PackagingOptions) => {
    const done = await packageService(options);
    onTestFinished(() => done.remove());
    return done;
  };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  it('is the one that RULES_FILE names, and packaging says which', { timeout: 180_000 }, async () => {
    const text = rulesOf('by-name');
    const done = await packed({
      env: { RULES_FILE: 'x.yml' },
      files: { 'x.yml': text, 'rules.prod.yml': rulesOf('of-the-stage') },
    });
    const file = done.files('webhook').files.get('rules.json')?.toString();
    expect(file).toContain('by-name');
    expect(file).not.toContain('restart-web-on-5xx');
    expect(done.said).toContain(`Rules of the stage prod: x.yml, 1 rules, sha256 ${sha256(text)}`);
  });

  it('is else the one of the stage', { timeout: 180_000 }, async () => {
    const text = rulesOf('of-the-stage');
    const done = await packed({ files: { 'rules.prod.yml': text, 'rules.dev.yml': rulesOf('of-another') } });
    expect(done.files('webhook').files.get('rules.json')?.toString()).toContain('of-the-stage');
    expect(done.said).toContain(`Rules of the stage prod: rules.prod.yml, 1 rules, sha256 ${sha256(text)}`);
    // Packaging warns; a deployment is refused.
    expect(done.said).toContain('No alarm of the stage prod tells anybody');
  });

  it('that is not there stops it, and so do rules for everybody', { timeout: 180_000 }, async () => {
    const [missing, sample] = await Promise.all([
      packed({ env: { RULES_FILE: 'nowhere.yml' } }),
      packed({ rules: readFileSync('rules.yml', 'utf8') }),
    ]);
    expect(missing.exitCode).toBe(1);
    expect(missing.said).toContain('RULES_FILE names nowhere.yml, and no such file is in');
    expect(sample.exitCode).toBe(1);
    expect(sample.said).toContain(
      "rules.yml: fleet-command, say, sleep-a-while, stop-sleeping: `users: ['*']` lets everybody in the chat run commands, and prod is not the local stack.",
    );
  });

  it('may be for everybody where the parameter says so', { timeout: 180_000 }, async () => {
    const done = await packed({ rules: rulesOf('open', '*'), args: ['--param', 'everybody=allowed'] });
    expect(done.said).toContain('Service packaged');
  });
});

/** Names of resources, ARNs with their variables. */
function resourceNames(resource: unknown): string[] {
  return [resource].flat().map((one) => {
    const parsed = z
      .union([
        z.string(),
        GetArn.transform((it) => it['Fn::GetAtt'][0]),
        z.strictObject({ 'Fn::Sub': z.string() }).transform((it) => it['Fn::Sub']),
      ])
      .parse(one);
    return parsed;
  });
}

/** As Lambda would set it; CloudFormation's references stand for URLs and names. */
function environmentOf(name: Name): Record<string, string> {
  return Object.fromEntries(
    Object.entries(lambdaOf(name).Environment.Variables).map(([variable, value]) => [
      variable,
      typeof value === 'string'
        ? value
        : variable.endsWith('_URL')
          ? 'https://sqs.example/1/queue'
          : variable === 'TOPIC_ARN_PREFIX'
            ? 'arn:aws:sns:us-east-1:000000000000:'
            : 'a-name',
    ]),
  );
}
