/**
 * Reads serverless.yml as the local stack needs it: the queues, the tables and the event source mappings that are
 * deployed are the ones that run here.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const AttributeOf = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) });

const QueueResource = z.object({
  Type: z.literal('AWS::SQS::Queue'),
  Properties: z.object({
    // The local stack's queues have plain names.
    QueueName: z.string().transform((name) => name.replace(/^\$\{param:queuePrefix\}/, '')),
    VisibilityTimeout: z.int().optional(),
    MessageRetentionPeriod: z.int().optional(),
    RedrivePolicy: z.object({ deadLetterTargetArn: AttributeOf, maxReceiveCount: z.int() }).optional(),
  }),
});
export type QueueResource = z.infer<typeof QueueResource>;

const Keys = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const TableResource = z.object({
  Type: z.literal('AWS::DynamoDB::Table'),
  Properties: z.object({
    AttributeDefinitions: z.array(
      z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }),
    ),
    KeySchema: Keys,
    GlobalSecondaryIndexes: z.array(
      z.object({
        IndexName: z.string(),
        KeySchema: Keys,
        Projection: z.object({
          ProjectionType: z.enum(['ALL', 'INCLUDE', 'KEYS_ONLY']),
          NonKeyAttributes: z.array(z.string()).optional(),
        }),
      }),
    ),
  }),
});
export type TableResource = z.infer<typeof TableResource>;

const SqsEvent = z.object({
  sqs: z.object({
    arn: AttributeOf,
    batchSize: z.int(),
    maximumConcurrency: z.int().default(2),
    functionResponseType: z.literal('ReportBatchItemFailures').optional(),
  }),
});

const HttpEvent = z.object({
  httpApi: z.union([
    z.string().transform((routeKey) => routeKey.split(' ')[1] ?? ''),
    z.object({ path: z.string() }).transform(({ path }) => path),
  ]),
});

const ServerlessFile = z.object({
  service: z.string(),
  functions: z.record(z.string(), z.object({ events: z.array(z.unknown()) })),
  resources: z.object({ Resources: z.record(z.string(), z.unknown()) }),
});

/** A function that a queue calls. */
export interface Mapping {
  functionName: string;
  /** The queue's logical id. */
  queue: string;
  batchSize: number;
  maximumConcurrency: number;
  /** Its answer names the messages that failed; else it takes a batch whole or not at all. */
  reportsFailures: boolean;
}

export interface Deployment {
  service: string;
  /** By logical id. */
  queues: ReadonlyMap<string, QueueResource['Properties']>;
  tables: ReadonlyMap<string, TableResource['Properties']>;
  mappings: readonly Mapping[];
  /** The function behind each first segment of a path. */
  routes: ReadonlyMap<string, string>;
}

export function readDeployment(file: string): Deployment {
  // YAML merges (`<<`) are part of the format that the Serverless Framework reads.
  const { service, functions, resources } = ServerlessFile.parse(
    parse(readFileSync(file, 'utf8'), { merge: true }),
  );
  const queues = new Map<string, QueueResource['Properties']>();
  const tables = new Map<string, TableResource['Properties']>();
  for (const [name, resource] of Object.entries(resources.Resources)) {
    const queue = QueueResource.safeParse(resource);
    if (queue.success) queues.set(name, queue.data.Properties);
    const table = TableResource.safeParse(resource);
    if (table.success) tables.set(name, table.data.Properties);
  }
  const mappings = Object.entries(functions).flatMap(([functionName, { events }]) =>
    events.flatMap((event) => {
      const { data } = SqsEvent.safeParse(event);
      if (data === undefined) return [];
      const { arn, batchSize, maximumConcurrency, functionResponseType } = data.sqs;
      const reportsFailures = functionResponseType !== undefined;
      return [{ functionName, queue: arn['Fn::GetAtt'][0], batchSize, maximumConcurrency, reportsFailures }];
    }),
  );
  const routes = new Map<string, string>();
  for (const [functionName, { events }] of Object.entries(functions)) {
    for (const event of events) {
      const segment = HttpEvent.safeParse(event).data?.httpApi.split('/')[1];
      if (segment !== undefined) routes.set(segment, functionName);
    }
  }
  return { service, queues, tables, mappings, routes };
}
