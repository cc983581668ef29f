/** The environment: all that is wrong with it at once, and nothing that is in it repeated. */
import { describe, expect, it } from 'vitest';
import {
  DeliverConfig,
  DispatchConfig,
  PollerConfig,
  QueueConfig,
  RecordsConfig,
  RunsConfig,
  readConfig,
  SETTINGS,
  secretVariable,
  WebhookConfig,
} from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';

const WEBHOOK = {
  RUNS_TABLE: 'runs',
  RECORDS_TABLE: 'records',
  RUNS_QUEUE_URL: 'https://sqs/runs',
  RECORDS_QUEUE_URL: 'https://sqs/records',
  WAKE_UP_QUEUE_URL: 'https://sqs/wake-up',
};
const BEHIND = { RUNS_TABLE: 'runs', RECORDS_TABLE: 'records', WAKE_UP_QUEUE_URL: 'https://sqs/wake-up' };

/** Each problem that the reading names. */
function problemsOf(...given: Parameters<typeof readConfig>): unknown {
  try {
    return readConfig(...given);
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    expect(thrown.code).toBe('config.invalid');
    return thrown.details['problems'];
  }
}

describe('what a function reads', () => {
  it('has the defaults of what is not set', () => {
    expect(readConfig(WebhookConfig, WEBHOOK)).toEqual({
      ...WEBHOOK,
      STAGE: 'local',
      KEEP_EVENTS: 'fields',
      LOG_LEVEL: 'INFO',
      REPLIES_MAY_GO_TO_LOOPBACK: 'false',
      RULES_FILE: 'rules.yml',
      SECRETS_MAX_AGE_SECONDS: 300,
    });
  });

  it('is not what other functions read', () => {
    const config = readConfig(WebhookConfig, { ...WEBHOOK, RUNS_TOKEN: 'x', TENCENTCLOUD_SECRET_KEY: 'y' });
    expect(Object.keys(config)).not.toContain('RUNS_TOKEN');
    expect(Object.keys(config)).not.toContain('TENCENTCLOUD_SECRET_KEY');
  });

  it('takes what is set to nothing as not set', () => {
    const config = readConfig(WebhookConfig, { ...WEBHOOK, STAGE: '', SECRETS_PREFIX: '', LOG_LEVEL: '' });
    expect(config).toEqual(readConfig(WebhookConfig, WEBHOOK));
  });

  it('reads numbers', () => {
    const config = readConfig(WebhookConfig, { ...WEBHOOK, SECRETS_MAX_AGE_SECONDS: '60' });
    expect(config.SECRETS_MAX_AGE_SECONDS).toBe(60);
  });
});

describe('an environment that is not complete', () => {
  it.each([
    [
      'webhook',
      WebhookConfig,
      ['RUNS_TABLE', 'RECORDS_TABLE', 'RUNS_QUEUE_URL', 'RECORDS_QUEUE_URL', 'WAKE_UP_QUEUE_URL'],
    ],
    [
      'queue',
      QueueConfig,
      [
        'RUNS_TABLE',
        'RECORDS_TABLE',
        'RUNS_QUEUE_URL',
        'RECORDS_QUEUE_URL',
        'WAKE_UP_QUEUE_URL',
        'EVENTS_QUEUE_URL',
        'EVENTS_DLQ_URL',
      ],
    ],
    [
      'dispatch',
      DispatchConfig,
      [
        'RUNS_TABLE',
        'RECORDS_TABLE',
        'RUNS_QUEUE_URL',
        'WAKE_UP_QUEUE_URL',
        'DELIVERIES_QUEUE_URL',
        'RUNS_DLQ_URL',
      ],
    ],
    ['records', RecordsConfig, ['RECORDS_TABLE', 'RECORDS_QUEUE_URL', 'RECORDS_DLQ_URL']],
    ['deliver', DeliverConfig, ['DELIVERIES_QUEUE_URL', 'DELIVERIES_DLQ_URL', 'TOPIC_ARN_PREFIX']],
    [
      'poller',
      PollerConfig,
      ['RUNS_TABLE', 'RECORDS_TABLE', 'RUNS_QUEUE_URL', 'WAKE_UP_QUEUE_URL', 'DELIVERIES_QUEUE_URL'],
    ],
    [
      'runs',
      RunsConfig,
      [
        'RUNS_TABLE',
        'RECORDS_TABLE',
        'RUNS_QUEUE_URL',
        'WAKE_UP_QUEUE_URL',
        'DELIVERIES_QUEUE_URL',
        'RUNS_TOKEN',
      ],
    ],
  ])('names every setting that %s needs', (_, schema, missing) => {
    expect(problemsOf(schema, {})).toEqual(missing.map((name) => `${name}: is not set`));
  });

  it('names every problem at once', () => {
    expect(
      problemsOf(WebhookConfig, {
        RUNS_QUEUE_URL: 'runs',
        STAGE: 'Prod!',
        SECRETS_MAX_AGE_SECONDS: 'soon',
        SECRETS_PREFIX: 'fleet',
        LOG_LEVEL: 'TRACE',
      }),
    ).toEqual([
      'STAGE: expected a name of small letters, digits and -',
      'LOG_LEVEL: expected DEBUG, INFO, WARN or ERROR',
      'RUNS_TABLE: is not set',
      'RECORDS_TABLE: is not set',
      'SECRETS_PREFIX: expected a path that begins with /',
      'SECRETS_MAX_AGE_SECONDS: expected whole seconds, 1 to 3600',
      'RUNS_QUEUE_URL: expected a URL, http:// or https://',
      'RECORDS_QUEUE_URL: is not set',
      'WAKE_UP_QUEUE_URL: is not set',
    ]);
  });

  it.each([
    ['RUNS_QUEUE_URL', 'ftp://hunter2'],
    ['STAGE', 'hunter2 hunter2'],
    ['SECRETS_MAX_AGE_SECONDS', 'hunter2'],
    ['SECRETS_PREFIX', 'hunter2'],
    ['TENCENT_ENDPOINT', 'hunter2'],
    ['TENCENT_LANGUAGE', 'hunter2'],
  ])('does not repeat what is in it: %s', (name, value) => {
    const env = {
      ...BEHIND,
      ...WEBHOOK,
      RUNS_DLQ_URL: 'https://sqs/dlq',
      DELIVERIES_QUEUE_URL: 'https://sqs/deliveries',
      RULES_FILE: '',
      [name]: value,
    };
    const read = () => [readConfig(WebhookConfig, env), readConfig(DispatchConfig, env)];
    expect(read).toThrow(
      expect.objectContaining({
        code: 'config.invalid',
        details: { problems: [expect.stringMatching(`^${name}: `)] },
      }),
    );
    expect(read).not.toThrow(/hunter2/);
  });

  it('says where the settings are explained', () => {
    expect(() => readConfig(WebhookConfig, {})).toThrow('docs/configuration.md');
  });
});

describe('a setting', () => {
  it.each([
    ['SECRETS_MAX_AGE_SECONDS', ['1', '3600'], ['0', '3601', '1.5', '-1', 'NaN']],
    ['STAGE', ['prod', 'p', 'pr-12'], ['-a', 'Prod', '1st', 'a'.repeat(32), 'a/b']],
    ['RUNS_QUEUE_URL', ['http://127.0.0.1:4566/000000000000/runs'], ['runs', 'file:///etc/passwd', '//x']],
  ] as const)('%s takes what it says', (name, good, bad) => {
    const schema = SETTINGS[name]();
    expect(good.filter((value) => !schema.safeParse(value).success)).toEqual([]);
    expect(bad.filter((value) => schema.safeParse(value).success)).toEqual([]);
  });

  it('of a source’s secret has its name in capitals', () => {
    expect(['github', 'standard-webhooks'].map(secretVariable)).toEqual([
      'GITHUB_SECRET',
      'STANDARD_WEBHOOKS_SECRET',
    ]);
  });
});
