/** The whole stack on this machine: queues, table, both clouds with their fleet, the functions, and what feeds them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { type Environment, secretVariable } from '../../lib/config.ts';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { parseTokens } from '../../lib/http/access-tokens.ts';
import { loadRules } from '../../lib/rules/load.ts';
import { packRules } from '../../lib/rules/pack-rules.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { startCloudAssistantServer } from '../alibaba/server.ts';
import { createFleetEngine } from '../fleet/engine.ts';
import { loadFleet } from '../fleet/fleet-file.ts';
import { followFleetFile } from '../fleet/follow-file.ts';
import { startTatServer } from '../tencent/server.ts';
import type { PortName } from './asked-ports.ts';
import { startDestinations } from './destinations.ts';
import { startEventSource } from './event-source.ts';
import { functionEnvironment, localDestinationSecrets } from './function-environment.ts';
import { startFunctions } from './functions.ts';
import { checkPort } from './ports.ts';
import { startQueues } from './queues.ts';
import { readDeployment } from './serverless-file.ts';
import { startTables } from './table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
const TABLES = { RunsTable: 'fleet-reflex-local', RecordsTable: 'fleet-reflex-local-records' };
/** Batches at a time from one queue: enough for two to meet, few enough for a laptop. */
const MAX_CONCURRENCY = 2;

const PARTS: Readonly<Record<PortName, string>> = {
  HTTP_PORT: 'HTTP',
  LAMBDA_PORT: 'Lambda',
  SQS_PORT: 'SQS',
  DYNAMODB_PORT: 'DynamoDB',
  TAT_PORT: 'TAT',
  CLOUD_ASSISTANT_PORT: 'Cloud Assistant',
  DESTINATIONS_PORT: 'EventBridge, CloudWatch Logs and web hooks',
};

export interface StackOptions {
  /** 0 is any free one. */
  ports: Readonly<Record<PortName, number>>;
  /** RULES_FILE, FLEET_FILE, LOG_LEVEL, secrets: all that the stack takes of a person's environment. */
  environment: Environment;
  /** Each line that the functions write. */
  onLine: (line: string) => void;
  /** What a person should know and nobody has to mend: the functions ended, and are back. */
  onNotice: (message: string) => void;
  onError: (message: string) => void;
  /** Aborted while it starts: what has been started is stopped, and `startStack` throws the reason. */
  signal?: AbortSignal;
}

export interface Stack {
  httpUrl: string;
  lambdaUrl: string;
  sqsUrl: string;
  tableUrl: string;
  tatUrl: string;
  cloudAssistantUrl: string;
  /** EventBridge, CloudWatch Logs, `POST /webhooks/<destination>`; `GET /arrived` has what came. */
  destinationsUrl: string;
  sqs: SQSClient;
  /** By name: `events`, `completions`, … */
  queueUrl(name: string): string;
  /** The first of the tokens of the API. */
  runsToken: string;
  /** The first of a source's secrets. */
  secretOf(source: string): string;
  /** As a person wrote it. */
  rulesFile: string;
  /** Resolves with what was wrong when the functions cannot be kept running. */
  died: Promise<string>;
  /** Ends every process, removes every directory. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Resolves when everything answers.
 * @throws FleetReflexError `rules.*`, `fleet.*`, `config.invalid`, `port.taken`, `stack.failed`; whatever had been
 * started is stopped then
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { ports, environment, onLine, onNotice, onError, signal } = options;
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    // The last that was started is the first to stop; one that fails keeps none of the others alive.
    for (const end of stops.splice(0).reverse()) {
      await end().catch((thrown: unknown) => onError(messageOf(thrown)));
    }
  };
  try {
    // Files of the user are checked before anything is started.
    const { rulesFile, rules, destinations } = readRules(environment['RULES_FILE']);
    const fleetFile = resolve(environment['FLEET_FILE'] || `${ROOT}/local/fleet.yml`);
    const fleet = loadFleet(fleetFile);
    const deployment = readDeployment(`${ROOT}/serverless.yml`);
    for (const name of portNames()) await checkPort(ports[name], PARTS[name], name);

    const queues = await startQueues(ports.SQS_PORT, deployment);
    stops.push(() => queues.stop());
    const destinationSecrets = localDestinationSecrets(environment, destinations);
    const standIns = await startDestinations({
      port: ports.DESTINATIONS_PORT,
      sqsUrl: queues.url,
      client: queues.client,
      destinations,
      secrets: destinationSecrets,
    });
    stops.push(() => standIns.stop());
    const tables = await startTables(ports.DYNAMODB_PORT, TABLES, deployment);
    stops.push(() => tables.stop());
    const engine = createFleetEngine(fleet);
    stops.push(() => engine.stop());
    const unfollow = followFleetFile(fleetFile, engine, (outcome) => {
      if ('problem' in outcome) onError(`The fleet stays as it was: ${outcome.problem}`);
      else onLine(fleetLine(outcome.instances));
    });
    stops.push(async () => unfollow());
    const tat = await startTatServer({ engine, port: ports.TAT_PORT });
    stops.push(() => tat.stop());
    const cloudAssistant = await startCloudAssistantServer({ engine, port: ports.CLOUD_ASSISTANT_PORT });
    stops.push(() => cloudAssistant.stop());
    signal?.throwIfAborted();

    const queueUrl = (name: string) => {
      for (const url of queues.urls.values()) if (url.endsWith(`/${name}`)) return url;
      throw new Error(`serverless.yml has no queue ${name}`);
    };
    const parts = {
      sqsUrl: queues.url,
      tableUrl: tables.url,
      tatUrl: tat.url,
      cloudAssistantUrl: cloudAssistant.url,
      destinationsUrl: standIns.url,
      rulesFile,
      queueUrl,
    };
    const own = functionEnvironment(environment, { ...parts, destinationSecrets, tables: TABLES });
    const functions = await startFunctions({
      root: ROOT,
      httpPort: ports.HTTP_PORT,
      lambdaPort: ports.LAMBDA_PORT,
      routes: Object.fromEntries(deployment.routes),
      environment: own,
      rules,
      onLine,
      onNotice,
      signal,
    });
    stops.push(() => functions.stop());
    const runsToken = parseTokens(own['RUNS_TOKEN'] ?? '')[0]?.token ?? '';
    await checkAnswers(functions.httpUrl, runsToken);

    for (const {
      functionName,
      queue,
      batchSize,
      maximumConcurrency,
      reportsFailures,
    } of deployment.mappings) {
      const mapping = startEventSource({
        client: queues.client,
        queueUrl: queues.urls.get(queue) ?? '',
        batchSize,
        reportsFailures,
        concurrency: Math.min(maximumConcurrency, MAX_CONCURRENCY),
        invoke: (event) => functions.invoke(functionName, event),
        onError,
      });
      stops.push(() => mapping.stop());
    }
    signal?.throwIfAborted();
    return {
      ...parts,
      httpUrl: functions.httpUrl,
      lambdaUrl: functions.lambdaUrl,
      sqs: queues.client,
      runsToken,
      secretOf: (source) => own[secretVariable(source)]?.split(',')[0] ?? '',
      died: functions.died,
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** In the form of the functions' lines. */
function fleetLine(instances: number): string {
  const timestamp = new Date().toISOString();
  return JSON.stringify({ level: 'INFO', message: 'fleet.changed', timestamp, service: 'fleet', instances });
}

function portNames(): PortName[] {
  return [
    'HTTP_PORT',
    'LAMBDA_PORT',
    'SQS_PORT',
    'DYNAMODB_PORT',
    'TAT_PORT',
    'CLOUD_ASSISTANT_PORT',
    'DESTINATIONS_PORT',
  ];
}

/** @returns its full path, and its rules as they are packaged */
function readRules(named: string | undefined) {
  const rulesFile = resolve(named || `${ROOT}/rules.yml`);
  let text: string;
  try {
    text = readFileSync(rulesFile, 'utf8');
  } catch (cause) {
    throw new FleetReflexError(
      'rules.unreadable',
      `The rules file ${rulesFile} cannot be read (${messageOf(cause)}). RULES_FILE names another.`,
      { cause },
    );
  }
  const ruleSet = loadRules(text, named || 'rules.yml', SOURCES.values());
  const { destinations } = ruleSet;
  return { rulesFile, destinations, rules: packRules(ruleSet, text, SOURCES.values()) };
}

/** The door and the API for people, through their functions, the queues and the table. */
async function checkAnswers(httpUrl: string, token: string): Promise<void> {
  const runs = await fetch(`${httpUrl}/runs`, { headers: { authorization: `Bearer ${token}` } });
  const door = await fetch(`${httpUrl}/hooks/generic`);
  const said = [await runs.text(), await door.text()];
  if (runs.status === 200 && door.status === 405) return;
  throw new FleetReflexError(
    'stack.failed',
    `The functions do not answer as they should: GET /runs ${runs.status}, GET /hooks/generic ${door.status}\n${said.join('\n')}`,
  );
}
