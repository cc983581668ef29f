/** What survives the processes of a case: queues, tables, both clouds and their fleet, each its own, and its functions. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { startCloudAssistantServer } from '../../../local/alibaba/server.ts';
import { createFleetEngine } from '../../../local/fleet/engine.ts';
import { parseFleet } from '../../../local/fleet/fleet-file.ts';
import { functionEnvironment } from '../../../local/stack/function-environment.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { startQueues } from '../../../local/stack/queues.ts';
import { readDeployment } from '../../../local/stack/serverless-file.ts';
import { startTables } from '../../../local/stack/table.ts';
import { startTatServer } from '../../../local/tencent/server.ts';

export const DEPLOYMENT = readDeployment(fileURLToPath(new URL('../../../serverless.yml', import.meta.url)));
const TABLES = { RunsTable: 'runs', RecordsTable: 'records' };

export type World = Awaited<ReturnType<typeof startWorld>>;

/** @param files texts; in a command of the fleet `WRITTEN` is the file that it appends to */
export async function startWorld(files: { rules: string; fleet: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const writtenFile = join(folder, 'written');
  writeFileSync(writtenFile, '');
  const rulesFile = join(folder, 'rules.yml');
  writeFileSync(rulesFile, files.rules);
  const queues = await startQueues(0, DEPLOYMENT);
  const tables = await startTables(0, TABLES, DEPLOYMENT);
  const engine = createFleetEngine(parseFleet(files.fleet.replaceAll('WRITTEN', writtenFile)));
  const tat = await startTatServer({ engine, requestsPerSecond: 'unlimited' });
  const cloudAssistant = await startCloudAssistantServer({ engine, requestsPerMinute: 1_000_000 });
  const queueUrl = (name: string): string => {
    for (const url of queues.urls.values()) if (url.endsWith(`/${name}`)) return url;
    throw new Error(`serverless.yml has no queue ${name}`);
  };
  const environment = functionEnvironment(
    { LOG_LEVEL: 'INFO' },
    {
      sqsUrl: queues.url,
      tableUrl: tables.url,
      // The scenarios tell queues alone.
      destinationsUrl: queues.url,
      destinationSecrets: {},
      tables: TABLES,
      tatUrl: tat.url,
      cloudAssistantUrl: cloudAssistant.url,
      rulesFile,
      queueUrl,
    },
  );
  const dynamodb = new DynamoDBClient({ ...LOCAL_AWS, endpoint: tables.url });
  const documents = DynamoDBDocumentClient.from(dynamodb, {
    marshallOptions: { removeUndefinedValues: true },
  });
  return {
    environment,
    queues,
    queueUrl,
    engine,
    documents,
    table: TABLES.RunsTable,
    /** The lines that the commands have written, in order. */
    written: () => readFileSync(writtenFile, 'utf8').split('\n').filter(Boolean),
    /** All of the table of the runs. */
    async items(): Promise<Record<string, unknown>[]> {
      const items: Record<string, unknown>[] = [];
      for await (const page of paginateScan({ client: documents }, { TableName: TABLES.RunsTable })) {
        items.push(...(page.Items ?? []));
      }
      return items;
    },
    async stop() {
      dynamodb.destroy();
      await Promise.all([tat.stop(), cloudAssistant.stop(), queues.stop(), tables.stop()]);
      await engine.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
