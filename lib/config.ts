/**
 * Configuration: the only place that reads `process.env`. Every setting says its unit, its default and what it is
 * for; docs/configuration.md is generated from here (`npm run generate`), and all problems are reported at once.
 */
import * as z from 'zod';
import { FleetReflexError } from './errors.ts';
import { KEEP_EVENTS } from './model/kept-event.ts';
import { allProviders } from './providers/registry.ts';
import { RequestShares } from './providers/request-shares.ts';
import { secretReference, url } from './setting-forms.ts';

/** Of the clouds, from their facts. */
const CLOUD_SETTINGS: Readonly<Record<string, () => z.ZodType>> = Object.fromEntries(
  allProviders().flatMap(({ settings }) => Object.entries(settings)),
);

const SECONDS_EXPECTED = 'expected whole seconds, 1 to 3600';
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
      .describe('The rules, relative to the function’s root: in a package what `rules.yml` was compiled to.'),
  KEEP_EVENTS: () =>
    z
      .enum(KEEP_EVENTS, 'expected nothing, fields or all')
      .default('fields')
      .describe(
        'What of an event is kept with the record of its decision, for 30 days and for who may read `/events`: `nothing`; `fields`, those of alerts, deployments and completions; `all`, also originals, what people type and what is of no known form ([testing-rules.md](testing-rules.md#histories)).',
      ),
  RUNS_TABLE: () => z.string().min(1).describe('The DynamoDB table of runs, tasks and guards.'),
  RECORDS_TABLE: () => z.string().min(1).describe('The DynamoDB table of what was decided about events.'),
  RUNS_QUEUE_URL: () => url().describe('The queue between the doors and dispatch.'),
  RECORDS_QUEUE_URL: () => url().describe('The queue of what was decided about events, apart from the runs.'),
  RECORDS_DLQ_URL: () => url().describe('Where records go that cannot be kept.'),
  RUNS_DLQ_URL: () => url().describe('Where run requests go that a person has to decide on.'),
  EVENTS_QUEUE_URL: () => url().describe('The queue of events that come as messages.'),
  EVENTS_DLQ_URL: () => url().describe('Where messages go that nobody understands.'),
  WAKE_UP_QUEUE_URL: () => url().describe('What wakes the poller between two minutes.'),
  RUNS_TOKEN: () =>
    secretReference().describe(
      'The bearer tokens of `/runs`, `/events` and `/freeze`, each with a name and scopes (below); `ssm:<name>` or `secretsmanager:<id>` names where they are.',
    ),
  SECRETS_PREFIX: () =>
    z
      .string()
      .startsWith('/', 'expected a path that begins with /')
      .optional()
      .describe(
        'SSM path under which secrets are looked for whose variable is not set: what a source proves itself with at `<prefix>/sources/<source>`, what its chat is answered with at `<prefix>/replies/<source>`. Default: nowhere.',
      ),
  SECRETS_MAX_AGE_SECONDS: () =>
    z.coerce
      .number(SECONDS_EXPECTED)
      .int(SECONDS_EXPECTED)
      .min(1, SECONDS_EXPECTED)
      .max(3600, SECONDS_EXPECTED)
      .default(300)
      .describe(
        'For how long a secret that was read is used before it is read again, in seconds; also for how long one that was not there is taken as not there.',
      ),
  ...CLOUD_SETTINGS,
  REQUEST_SHARES: () =>
    z
      .string()
      .default('*=1')
      .pipe(RequestShares)
      .describe(
        'What share of the clouds’ request rates (20 a second for each API; at Alibaba for each region too) one environment of this function takes: by action, `*` for all others, such as `InvokeCommand=0.45 *=0.05`. serverless.yml divides each rate among all that may run at once ([operations.md](operations.md#the-clouds-request-rates)).',
      ),
  POLLER_SECONDS_PER_MINUTE: () =>
    z.coerce
      .number(POLLER_SECONDS_EXPECTED)
      .int(POLLER_SECONDS_EXPECTED)
      .min(5, POLLER_SECONDS_EXPECTED)
      .max(60, POLLER_SECONDS_EXPECTED)
      .default(60)
      .describe(
        'Of each minute, how many seconds the poller may be at work while anything runs; after that it rests, and what ends meanwhile is told when the rest is over. It bounds what looking costs ([operations.md](operations.md#what-looking-costs)).',
      ),
  REPLIES_MAY_GO_TO_LOOPBACK: () =>
    z
      .enum(['true', 'false'])
      .default('false')
      .describe('Whether replies to a chat may also go to this machine: only for the local stack and tests.'),
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
  ...secrets(),
  ...providers(),
  WAKE_UP_QUEUE_URL: SETTINGS.WAKE_UP_QUEUE_URL(),
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
    RUNS_QUEUE_URL: SETTINGS.RUNS_QUEUE_URL(),
    RUNS_DLQ_URL: SETTINGS.RUNS_DLQ_URL(),
  });
export const RecordsConfig = () =>
  z.object({
    STAGE: SETTINGS.STAGE(),
    LOG_LEVEL: SETTINGS.LOG_LEVEL(),
    RECORDS_TABLE: SETTINGS.RECORDS_TABLE(),
    RECORDS_QUEUE_URL: SETTINGS.RECORDS_QUEUE_URL(),
    RECORDS_DLQ_URL: SETTINGS.RECORDS_DLQ_URL(),
  });
export const PollerConfig = () =>
  z.object({
    ...behind(),
    RULES_FILE: SETTINGS.RULES_FILE(),
    POLLER_SECONDS_PER_MINUTE: SETTINGS.POLLER_SECONDS_PER_MINUTE(),
  });
/** What the command line needs to ask the clouds. */
export const CloudsConfig = () => z.object({ STAGE: SETTINGS.STAGE(), ...secrets(), ...providers() });
export const RunsConfig = () => z.object({ ...behind(), RUNS_TOKEN: SETTINGS.RUNS_TOKEN() });

export type BaseConfig = z.infer<z.ZodObject<ReturnType<typeof base>>>;
export type SecretsConfig = z.infer<z.ZodObject<ReturnType<typeof secrets>>>;
export type ProvidersConfig = z.infer<z.ZodObject<ReturnType<typeof providers>>>;
export type DoorConfig = z.infer<ReturnType<typeof WebhookConfig>>;
export type RecordsConfig = z.infer<ReturnType<typeof RecordsConfig>>;
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

function variablePrefix(source: string): string {
  return source.toUpperCase().replaceAll('-', '_');
}
