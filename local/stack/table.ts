/** DynamoDB in this process, with the tables of the deployment. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { guardAgainstPages } from '../server/page-guard.ts';
import { AWS_JSON_DOOR } from './doors.ts';
import { LOCAL_AWS } from './local-aws.ts';
import { portOf } from './ports.ts';
import type { Deployment } from './serverless-file.ts';

/** It has no types of its own. */
const Dynalite = z.custom<(options: { createTableMs: number }) => Server>((it) => typeof it === 'function');

export interface LocalTables {
  url: string;
  stop(): Promise<void>;
}

/** @param names by the logical id: `RunsTable`, `RecordsTable` */
export async function startTables(
  port: number,
  names: Readonly<Record<string, string>>,
  { tables }: Pick<Deployment, 'tables'>,
): Promise<LocalTables> {
  const server = Dynalite.parse(createRequire(import.meta.url)('dynalite'))({ createTableMs: 0 });
  guardAgainstPages(server, AWS_JSON_DOOR);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${portOf(server)}`;
  const client = new DynamoDBClient({ ...LOCAL_AWS, endpoint: url });
  await Promise.all(
    [...tables].map(async ([id, table]) => {
      const TableName = names[id];
      if (TableName === undefined) throw new Error(`serverless.yml has an unknown table ${id}`);
      await client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: table.AttributeDefinitions,
          KeySchema: table.KeySchema,
          GlobalSecondaryIndexes: table.GlobalSecondaryIndexes.map(({ Projection, ...index }) => ({
            ...index,
            Projection: {
              ProjectionType: Projection.ProjectionType,
              ...(Projection.NonKeyAttributes && { NonKeyAttributes: Projection.NonKeyAttributes }),
            },
          })),
        }),
      );
      // The answer to CreateTable is `CREATING`.
      while (!(await isActive(client, TableName))) await sleep(2);
    }),
  );
  client.destroy();
  return {
    url,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function isActive(client: DynamoDBClient, TableName: string): Promise<boolean> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const indexes = Table?.GlobalSecondaryIndexes ?? [];
  return Table?.TableStatus === 'ACTIVE' && indexes.every(({ IndexStatus }) => IndexStatus === 'ACTIVE');
}
