/**
 * What the functions find in their environment on this machine: the local queues, table and clouds in the place of the
 * deployment's, and a secret for every source.
 */
import { devNull } from 'node:os';
import type * as z from 'zod';
import {
  DeliverConfig,
  DispatchConfig,
  destinationSecretVariable,
  type Environment,
  PollerConfig,
  QueueConfig,
  RecordsConfig,
  RunsConfig,
  readConfig,
  secretVariable,
  WebhookConfig,
} from '../../lib/config.ts';
import { parseTokens } from '../../lib/http/access-tokens.ts';
import type { DestinationRef } from '../../lib/model/destination-ref.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { LOCAL_AWS } from './local-aws.ts';
import { stackSettings } from './own-environment.ts';

export interface LocalParts {
  sqsUrl: string;
  tableUrl: string;
  tables: { RunsTable: string; RecordsTable: string };
  tatUrl: string;
  cloudAssistantUrl: string;
  /** EventBridge and CloudWatch Logs. */
  destinationsUrl: string;
  rulesFile: string;
  /** Of `localDestinationSecrets`. */
  destinationSecrets: Readonly<Record<string, string>>;
  /** By name. */
  queueUrl(name: string): string;
}

/** One that may do all, one that approves, one that only looks. */
const LOCAL_TOKENS = [
  'local:read+operate+approve+freeze:local-runs-token',
  'approver:read+approve:local-approver-token',
  'reader:read:local-read-token',
].join(',');

/** Of all functions. */
const CONFIGS: readonly (() => z.ZodType)[] = [
  WebhookConfig,
  QueueConfig,
  DispatchConfig,
  RecordsConfig,
  DeliverConfig,
  PollerConfig,
  RunsConfig,
];

/** @throws FleetReflexError `config.invalid`, `tokens.invalid`: a setting of this machine's environment that no function would start with */
export function functionEnvironment(given: Environment, parts: LocalParts): Record<string, string> {
  const own = {
    ...secretsOf(given),
    RUNS_TOKEN: given['RUNS_TOKEN'] || LOCAL_TOKENS,
    RULES_FILE: parts.rulesFile,
    RUNS_TABLE: parts.tables.RunsTable,
    RECORDS_TABLE: parts.tables.RecordsTable,
    RUNS_QUEUE_URL: parts.queueUrl('runs'),
    RUNS_DLQ_URL: parts.queueUrl('runs-dlq'),
    RECORDS_QUEUE_URL: parts.queueUrl('records'),
    RECORDS_DLQ_URL: parts.queueUrl('records-dlq'),
    EVENTS_QUEUE_URL: parts.queueUrl('events'),
    EVENTS_DLQ_URL: parts.queueUrl('events-dlq'),
    WAKE_UP_QUEUE_URL: parts.queueUrl('wake-up'),
    DELIVERIES_QUEUE_URL: parts.queueUrl('deliveries'),
    DELIVERIES_DLQ_URL: parts.queueUrl('deliveries-dlq'),
    QUEUE_PREFIX: '',
    TOPIC_ARN_PREFIX: `arn:aws:sns:${LOCAL_AWS.region}:000000000000:`,
    AWS_REGION: LOCAL_AWS.region,
    AWS_ACCESS_KEY_ID: LOCAL_AWS.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_AWS.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_SQS: parts.sqsUrl,
    AWS_ENDPOINT_URL_SNS: parts.sqsUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: parts.destinationsUrl,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: parts.destinationsUrl,
    AWS_ENDPOINT_URL_DYNAMODB: parts.tableUrl,
    TENCENTCLOUD_SECRET_ID: 'local',
    TENCENTCLOUD_SECRET_KEY: 'local-secret',
    TENCENT_ENDPOINT: parts.tatUrl,
    ALIBABA_CLOUD_ACCESS_KEY_ID: 'local',
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret',
    ALIBABA_ENDPOINT: parts.cloudAssistantUrl,
    REPLIES_MAY_GO_TO_LOOPBACK: 'true',
    STAGE: 'local',
    // A fleet that grows is seen at once, for who tries it.
    FLEET_CACHE_SECONDS: given['FLEET_CACHE_SECONDS'] || '1',
    // A person's own profiles and keys are not read, and set to nothing is not set.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    SECRETS_PREFIX: '',
  };
  const all: Record<string, string> = { ...stackSettings(given), ...own, ...parts.destinationSecrets };
  for (const config of CONFIGS) {
    readConfig(config, all);
  }
  parseTokens(own.RUNS_TOKEN);
  return all;
}

/** The environment's value, otherwise `local-<source>-secret`. */
function secretsOf(given: Environment): Record<string, string> {
  return Object.fromEntries(
    [...SOURCES.keys()].map((source) => {
      const variable = secretVariable(source);
      return [variable, given[variable] || `local-${source}-secret`];
    }),
  );
}

/** Of each web hook of the rules: the environment's value, otherwise `local-<name>-secret`. */
export function localDestinationSecrets(
  given: Environment,
  destinations: readonly DestinationRef[],
): Record<string, string> {
  return Object.fromEntries(
    destinations.flatMap((ref) => {
      if (!('webhook' in ref)) return [];
      const variable = destinationSecretVariable(ref.name);
      return [[variable, given[variable] || `local-${ref.name}-secret`] as const];
    }),
  );
}
