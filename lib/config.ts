/**
 * Configuration: the only place that reads `process.env`. Each setting has its unit, default and purpose.
 * docs/configuration.md is generated from here (`npm run generate`). All problems are reported at once.
 */
import * as z from 'zod';
import { FleetReflexError } from './errors.ts';
import { KEEP_EVENTS } from './model/kept-event.ts';
import { allProviders } from './providers/registry.ts';
import { RequestShares } from './providers/request-shares.ts';
import { secretReference, url } from './setting-forms.ts';

/** The clouds' settings, from their facts. */
const CLOUD_SETTINGS: Readonly<Record<string, () => z.ZodType>> = Object.fromEntries(
  allProviders().flatMap(({ settings }) => Object.entries(settings)),
);

const SECONDS_EXPECTED = 'expected whole seconds, 1 to 3600';
const FLEET_SECONDS_EXPECTED = 'expected whole seconds, 0 to 3600';
const AUDIT_DAYS_EXPECTED = 'expected whole days, 30 to 3650';
const CIRCUIT_EXPECTED = 'expected a whole number, 0 to 1000';
const POLLER_SECONDS_EXPECTED = 'expected whole seconds, 5 to 60';

export const SETTINGS = {
  STAGE: () =>
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a name of small letters, digits and -')
      .default('local')
      .describe(
        'The deployment’s stage. Part of the `source` of completion events and the mark of our schedules.',
      ),
  LOG_LEVEL: () =>
    z
      .enum(['DEBUG', 'INFO', 'WARN', 'ERROR'], 'expected DEBUG, INFO, WARN or ERROR')
      .default('INFO')
      .describe('The least important log lines that are written.'),
  RULES_FILE: () =>
    z
      .string()
      .min(1)
      .default('rules.yml')
      .describe('The rules, relative to the function’s root: in a package, the compiled `rules.yml`.'),
  KEEP_EVENTS: () =>
    z
      .enum(KEEP_EVENTS, 'expected nothing, fields or all')
      .default('fields')
      .describe(
        'What the record of a decision keeps of its event, for 30 days, readable by the scope of `/events`: `nothing`; `fields` of alerts, deployments and completions; `all`, also originals, chat messages and generic events ([testing-rules.md](testing-rules.md#histories)).',
      ),
  RUNS_TABLE: () => z.string().min(1).describe('The DynamoDB table of runs, tasks and guards.'),
  RECORDS_TABLE: () =>
    z.string().min(1).describe('The DynamoDB table of the records of events and of the audit.'),
  AUDIT_DAYS: () =>
    z.coerce
      .number(AUDIT_DAYS_EXPECTED)
      .int(AUDIT_DAYS_EXPECTED)
      .min(30, AUDIT_DAYS_EXPECTED)
      .max(3650, AUDIT_DAYS_EXPECTED)
      .default(400)
      .describe(
        'How long the table keeps an entry of the audit (who approved, cancelled, froze, redrove), in days; an entry keeps what was set when it was written ([operations.md](operations.md#who-did-what)).',
      ),
  ARCHIVE_BUCKET: () =>
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
      .optional()
      .describe(
        'The S3 bucket for runs, records and the audit, a week after their day and before the tables let them go ([operations.md](operations.md#the-archive)); the deployment makes it. Default: none, and nothing is kept longer.',
      ),
  RUNS_QUEUE_URL: () =>
    url().describe('The queue to `dispatch`, of `webhook` and `queue`, and of the runs that follow others.'),
  RECORDS_QUEUE_URL: () => url().describe('The queue of the records of events.'),
  RECORDS_DLQ_URL: () => url().describe('The queue for records that cannot be stored.'),
  RUNS_DLQ_URL: () => url().describe('The queue for run requests that need a person’s decision.'),
  EVENTS_QUEUE_URL: () => url().describe('The queue of events that arrive as messages.'),
  EVENTS_DLQ_URL: () => url().describe('The queue for messages that no source recognises.'),
  QUEUE_PREFIX: () =>
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,60}$/, 'expected at most 60 letters, digits, - and _')
      .default('')
      .describe(
        'What the names of this deployment’s own queues begin with in the account; serverless.yml sets `fleet-reflex-<stage>-`. Default: nothing, as in the local stack ([deploying.md](deploying.md#several-deployments)).',
      ),
  DELIVERIES_QUEUE_URL: () =>
    url().describe('The queue of completion events on their way to other destinations than an SQS queue.'),
  DELIVERIES_DLQ_URL: () => url().describe('The queue for completion events that cannot be delivered.'),
  TOPIC_ARN_PREFIX: () =>
    z
      .string()
      .regex(/^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:$/, 'expected the ARN of a topic without its name')
      .describe('The ARN of an SNS topic of this account and region, without its name.'),
  WAKE_UP_QUEUE_URL: () => url().describe('The queue that wakes the poller before the next minute.'),
  RUNS_TOKEN: () =>
    secretReference().describe(
      'The bearer tokens of `/runs`, `/events` and `/freeze`, each with a name and scopes (below); `ssm:<name>` or `secretsmanager:<id>` says where they are stored.',
    ),
  SECRETS_PREFIX: () =>
    z
      .string()
      .startsWith('/', 'expected a path that begins with /')
      .optional()
      .describe(
        'The SSM path of secrets whose variable is not set: `<prefix>/sources/<source>` for a source’s secret, `<prefix>/replies/<source>` for its reply secret, `<prefix>/destinations/<name>` for the secret of a web hook. Default: none.',
      ),
  SECRETS_MAX_AGE_SECONDS: () =>
    z.coerce
      .number(SECONDS_EXPECTED)
      .int(SECONDS_EXPECTED)
      .min(1, SECONDS_EXPECTED)
      .max(3600, SECONDS_EXPECTED)
      .default(300)
      .describe(
        'How long a secret is cached before it is read again, in seconds; a missing secret is cached as long.',
      ),
  ...CLOUD_SETTINGS,
  REQUEST_SHARES: () =>
    z
      .string()
      .default('*=1')
      .pipe(RequestShares)
      .describe(
        'The share of the clouds’ request rates (20 a second for each API; at Alibaba for each region) that one environment of this function may use: by action, `*` for all others, such as `InvokeCommand=0.45 *=0.05`. serverless.yml divides each rate among all concurrent environments ([operations.md](operations.md#the-clouds-request-rates)).',
      ),
  FLEET_CACHE_SECONDS: () =>
    z.coerce
      .number(FLEET_SECONDS_EXPECTED)
      .int(FLEET_SECONDS_EXPECTED)
      .min(0, FLEET_SECONDS_EXPECTED)
      .max(3600, FLEET_SECONDS_EXPECTED)
      .default(120)
      .describe(
        'How long one environment of this function takes for true which instances a tagged fleet has, in seconds: so late a new instance is seen. 0: each run asks the cloud.',
      ),
  CIRCUIT_FAILURES: () =>
    z.coerce
      .number(CIRCUIT_EXPECTED)
      .int(CIRCUIT_EXPECTED)
      .min(0, CIRCUIT_EXPECTED)
      .max(1000, CIRCUIT_EXPECTED)
      .default(5)
      .describe(
        'So many calls in a row that a cloud did not answer in a region, in one process, open its circuit: nothing is sent there for some seconds, then one run tries ([operations.md](operations.md#a-cloud-that-does-not-answer)). `0`: never.',
      ),
  POLLER_SECONDS_PER_MINUTE: () =>
    z.coerce
      .number(POLLER_SECONDS_EXPECTED)
      .int(POLLER_SECONDS_EXPECTED)
      .min(5, POLLER_SECONDS_EXPECTED)
      .max(60, POLLER_SECONDS_EXPECTED)
      .default(60)
      .describe(
        'How many seconds of each minute the poller may work while any run is live; runs that end in the rest of the minute are reported after it. This limits the cost of polling ([operations.md](operations.md#what-polling-costs)).',
      ),
  REPLIES_MAY_GO_TO_LOOPBACK: () =>
    z
      .enum(['true', 'false'])
      .default('false')
      .describe(
        'Whether replies to a chat, and web hooks, may also go to this machine: only for the local stack and tests.',
      ),
} as const;

const base = () => ({
  STAGE: SETTINGS.STAGE(),
  LOG_LEVEL: SETTINGS.LOG_LEVEL(),
  RUNS_TABLE: SETTINGS.RUNS_TABLE(),
  REPLIES_MAY_GO_TO_LOOPBACK: SETTINGS.REPLIES_MAY_GO_TO_LOOPBACK(),
});
const secrets = () => ({
  SECRETS_PREFIX: SETTINGS.SECRETS_PREFIX(),
  SECRETS_MAX_AGE_SECONDS: SETTINGS.SECRETS_MAX_AGE_SECONDS(),
});
const providers = () => ({
  ...Object.fromEntries(Object.entries(CLOUD_SETTINGS).map(([name, schema]) => [name, schema()])),
  REQUEST_SHARES: SETTINGS.REQUEST_SHARES(),
});
const door = () => ({
  ...base(),
  RECORDS_TABLE: SETTINGS.RECORDS_TABLE(),
  KEEP_EVENTS: SETTINGS.KEEP_EVENTS(),
  ...secrets(),
  RULES_FILE: SETTINGS.RULES_FILE(),
  RUNS_QUEUE_URL: SETTINGS.RUNS_QUEUE_URL(),
  RECORDS_QUEUE_URL: SETTINGS.RECORDS_QUEUE_URL(),
  WAKE_UP_QUEUE_URL: SETTINGS.WAKE_UP_QUEUE_URL(),
});
const behind = () => ({
  ...base(),
  RECORDS_TABLE: SETTINGS.RECORDS_TABLE(),
  AUDIT_DAYS: SETTINGS.AUDIT_DAYS(),
  ...secrets(),
  ...providers(),
  RUNS_QUEUE_URL: SETTINGS.RUNS_QUEUE_URL(),
  CIRCUIT_FAILURES: SETTINGS.CIRCUIT_FAILURES(),
  WAKE_UP_QUEUE_URL: SETTINGS.WAKE_UP_QUEUE_URL(),
  FLEET_CACHE_SECONDS: SETTINGS.FLEET_CACHE_SECONDS(),
  DELIVERIES_QUEUE_URL: SETTINGS.DELIVERIES_QUEUE_URL(),
  QUEUE_PREFIX: SETTINGS.QUEUE_PREFIX(),
});

/**
 * What each function reads; a function without a setting that it needs does not start. Schemas are made when they are
 * asked for: a function starts with its own.
 */
export const WebhookConfig = () => z.object(door());
export const QueueConfig = () =>
  z.object({
    ...door(),
    EVENTS_QUEUE_URL: SETTINGS.EVENTS_QUEUE_URL(),
    EVENTS_DLQ_URL: SETTINGS.EVENTS_DLQ_URL(),
  });
export const DispatchConfig = () =>
  z.object({
    ...behind(),
    RUNS_DLQ_URL: SETTINGS.RUNS_DLQ_URL(),
  });
export const RecordsConfig = () =>
  z.object({
    STAGE: SETTINGS.STAGE(),
    LOG_LEVEL: SETTINGS.LOG_LEVEL(),
    RECORDS_TABLE: SETTINGS.RECORDS_TABLE(),
    AUDIT_DAYS: SETTINGS.AUDIT_DAYS(),
    RECORDS_QUEUE_URL: SETTINGS.RECORDS_QUEUE_URL(),
    RECORDS_DLQ_URL: SETTINGS.RECORDS_DLQ_URL(),
  });
export const ConsoleConfig = () => z.object({ LOG_LEVEL: SETTINGS.LOG_LEVEL() });
export const DeliverConfig = () =>
  z.object({
    STAGE: SETTINGS.STAGE(),
    LOG_LEVEL: SETTINGS.LOG_LEVEL(),
    ...secrets(),
    DELIVERIES_QUEUE_URL: SETTINGS.DELIVERIES_QUEUE_URL(),
    DELIVERIES_DLQ_URL: SETTINGS.DELIVERIES_DLQ_URL(),
    QUEUE_PREFIX: SETTINGS.QUEUE_PREFIX(),
    TOPIC_ARN_PREFIX: SETTINGS.TOPIC_ARN_PREFIX(),
    REPLIES_MAY_GO_TO_LOOPBACK: SETTINGS.REPLIES_MAY_GO_TO_LOOPBACK(),
  });
export const PollerConfig = () =>
  z.object({
    ...behind(),
    RULES_FILE: SETTINGS.RULES_FILE(),
    ARCHIVE_BUCKET: SETTINGS.ARCHIVE_BUCKET(),
    POLLER_SECONDS_PER_MINUTE: SETTINGS.POLLER_SECONDS_PER_MINUTE(),
  });
/** What the command line needs to ask the clouds. */
export const CloudsConfig = () => z.object({ STAGE: SETTINGS.STAGE(), ...secrets(), ...providers() });
export const RunsConfig = () =>
  z.object({ ...behind(), RULES_FILE: SETTINGS.RULES_FILE(), RUNS_TOKEN: SETTINGS.RUNS_TOKEN() });

export type BaseConfig = z.infer<z.ZodObject<ReturnType<typeof base>>>;
export type SecretsConfig = z.infer<z.ZodObject<ReturnType<typeof secrets>>>;
export type ProvidersConfig = z.infer<z.ZodObject<ReturnType<typeof providers>>>;
export type DoorConfig = z.infer<ReturnType<typeof WebhookConfig>>;
export type RecordsConfig = z.infer<ReturnType<typeof RecordsConfig>>;
export type DeliverConfig = z.infer<ReturnType<typeof DeliverConfig>>;
export type BehindConfig = z.infer<z.ZodObject<ReturnType<typeof behind>>>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. */
export const environment: Environment = process.env;

/**
 * @param schema one of the functions' configurations above
 * @throws FleetReflexError `config.invalid`: every setting that is missing or wrong, and what is expected
 */
export function readConfig<Config>(schema: () => z.ZodType<Config>, env = environment): Config {
  // A variable that is set to nothing is one that is not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const config = schema().safeParse(given);
  if (config.success) return config.data;
  const problems = config.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${given[name] === undefined ? 'is not set' : message}`;
  });
  throw new FleetReflexError(
    'config.invalid',
    `The environment is not complete. ${problems.join('; ')}. docs/configuration.md explains each setting.`,
    { details: { problems } },
  );
}

/** The variable that holds what a source proves itself with: `STANDARD_WEBHOOKS_SECRET`. */
export function secretVariable(source: string): string {
  return `${variablePrefix(source)}_SECRET`;
}

/** The variable that holds what a source's chat is answered with: `SLACK_REPLY_SECRET`. */
export function replySecretVariable(source: string): string {
  return `${variablePrefix(source)}_REPLY_SECRET`;
}

/** The variable that holds what a web hook of ours is signed with: `AUDIT_DESTINATION_SECRET`. */
export function destinationSecretVariable(destination: string): string {
  return `${variablePrefix(destination)}_DESTINATION_SECRET`;
}

function variablePrefix(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
