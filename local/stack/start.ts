/** The whole stack on this machine: queues, table, both clouds with their fleet, the functions, and what feeds them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { type Environment, secretVariable } from '../../lib/config.ts';
import { loadRules } from '../../lib/rules/load.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { startCloudAssistantServer } from '../alibaba/server.ts';
import { createFleetEngine } from '../fleet/engine.ts';
import { loadFleet } from '../fleet/fleet-file.ts';
import { startTatServer } from '../tencent/server.ts';
import { startEventSource } from './event-source.ts';
import { startFunctions } from './functions.ts';
import { claimPort } from './ports.ts';
import { startQueues } from './queues.ts';
import { readDeployment } from './serverless-file.ts';
import { startTable } from './table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
const TABLE = 'fleet-reflex-local';

/** The variable of each port, and the port that it is without one. */
export const PORTS = {
  HTTP_PORT: 3000,
  LAMBDA_PORT: 3002,
  SQS_PORT: 4566,
  DYNAMODB_PORT: 8000,
  TAT_PORT: 4580,
  CLOUD_ASSISTANT_PORT: 4581,
} as const;
export type PortName = keyof typeof PORTS;

export interface StackOptions {
  /** 0 is any free one. */
  ports: Readonly<Record<PortName, number>>;
  environment: Environment;
  /** Each line that the functions write. */
  onLine: (line: string) => void;
  onError: (message: string) => void;
}

export interface Stack {
  httpUrl: string;
  sqsUrl: string;
  tableUrl: string;
  tatUrl: string;
  cloudAssistantUrl: string;
  sqs: SQSClient;
  /** By name: `events`, `completions`, … */
  queueUrl(name: string): string;
  runsToken: string;
  /** The first of a source's secrets. */
  secretOf(source: string): string;
  rulesFile: string;
  /** Rejects when a part dies. */
  died: Promise<string>;
  stop(): Promise<void>;
}

/**
 * @throws FleetReflexError `rules.invalid`, `fleet.invalid`, `port.taken`, `stack.failed`; whatever had been started
 * is stopped then
 */
export async function startStack({ ports, environment, onLine, onError }: StackOptions): Promise<Stack> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    // The last that was started is the first to stop; one that fails keeps none of the others alive.
    for (const end of stops.splice(0).reverse()) {
      await Promise.resolve(end()).catch((thrown: unknown) => onError(String(thrown)));
    }
  };
  try {
    // What a person wrote is checked before anything is started.
    const rulesFile = resolve(environment['RULES_FILE'] ?? `${ROOT}/rules.yml`);
    loadRules(readFileSync(rulesFile, 'utf8'), environment['RULES_FILE'] ?? 'rules.yml', SOURCES.values());
    const fleet = loadFleet(environment['FLEET_FILE'] ?? `${ROOT}/local/fleet.yml`);
    const deployment = readDeployment(`${ROOT}/serverless.yml`);
    const httpPort = await claimPort(ports.HTTP_PORT, 'HTTP', 'HTTP_PORT');
    const lambdaPort = await claimPort(ports.LAMBDA_PORT, 'Lambda', 'LAMBDA_PORT');
    const queues = await startQueues(await claimPort(ports.SQS_PORT, 'SQS', 'SQS_PORT'), deployment);
    stops.push(() => queues.stop());
    const tablePort = await claimPort(ports.DYNAMODB_PORT, 'DynamoDB', 'DYNAMODB_PORT');
    const table = await startTable(tablePort, TABLE, deployment);
    stops.push(() => table.stop());
    const engine = createFleetEngine(fleet);
    stops.push(() => engine.stop());
    const tat = await startTatServer({ engine, port: await claimPort(ports.TAT_PORT, 'TAT', 'TAT_PORT') });
    stops.push(() => tat.stop());
    const cloudAssistant = await startCloudAssistantServer({
      engine,
      port: await claimPort(ports.CLOUD_ASSISTANT_PORT, 'Cloud Assistant', 'CLOUD_ASSISTANT_PORT'),
    });
    stops.push(() => cloudAssistant.close());

    const urlOf = (name: string) => {
      for (const url of queues.urls.values()) if (url.endsWith(`/${name}`)) return url;
      throw new Error(`serverless.yml has no queue ${name}`);
    };
    const secrets = secretsOf(environment);
    const runsToken = environment['RUNS_TOKEN'] ?? 'local-runs-token';
    const functions = await startFunctions({
      root: ROOT,
      httpPort,
      lambdaPort,
      onLine,
      environment: {
        ...secrets,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_SESSION_TOKEN: '',
        AWS_PROFILE: '',
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_SQS: queues.url,
        AWS_ENDPOINT_URL_DYNAMODB: table.url,
        RULES_FILE: rulesFile,
        RUNS_TABLE: TABLE,
        RUNS_QUEUE_URL: urlOf('runs'),
        RUNS_DLQ_URL: urlOf('runs-dlq'),
        EVENTS_QUEUE_URL: urlOf('events'),
        EVENTS_DLQ_URL: urlOf('events-dlq'),
        WAKE_UP_QUEUE_URL: urlOf('wake-up'),
        RUNS_TOKEN: runsToken,
        TENCENTCLOUD_SECRET_ID: 'local',
        TENCENTCLOUD_SECRET_KEY: 'local-secret',
        TENCENT_ENDPOINT: tat.url,
        ALIBABA_CLOUD_ACCESS_KEY_ID: 'local',
        ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret',
        ALIBABA_ENDPOINT: cloudAssistant.endpoint,
        REPLIES_MAY_GO_TO_LOOPBACK: 'true',
      },
    });
    stops.push(() => functions.stop());
    for (const { functionName, queue, batchSize, maximumConcurrency } of deployment.mappings) {
      const mapping = startEventSource({
        client: queues.client,
        queueUrl: queues.urls.get(queue) ?? '',
        batchSize,
        concurrency: Math.min(maximumConcurrency, 3),
        invoke: (event) => functions.invoke(functionName, event),
        onError,
      });
      stops.push(() => mapping.stop());
    }
    return {
      httpUrl: functions.httpUrl,
      sqsUrl: queues.url,
      tableUrl: table.url,
      tatUrl: tat.url,
      cloudAssistantUrl: cloudAssistant.endpoint,
      sqs: queues.client,
      queueUrl: urlOf,
      runsToken,
      secretOf: (source) => secrets[secretVariable(source)]?.split(',')[0] ?? '',
      rulesFile,
      died: functions.died,
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** What the environment gives, else `local-<source>-secret`. */
function secretsOf(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    [...SOURCES.keys()].map((source) => {
      const variable = secretVariable(source);
      return [variable, environment[variable] || `local-${source}-secret`];
    }),
  );
}
