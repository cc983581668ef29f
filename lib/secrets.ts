/**
 * Secrets: a value in the environment, or a reference to SSM Parameter Store or Secrets Manager, read through Powertools
 * parameters, which caches it. Two values may be live, so that a secret can be rotated without losing an event.
 */
import {
  destinationSecretVariable,
  type Environment,
  replySecretVariable,
  type SecretsConfig,
  secretVariable,
} from './config.ts';
import { FleetReflexError, messageOf } from './errors.ts';

const SSM = 'ssm:';
const SECRETS_MANAGER = 'secretsmanager:';

/** Reads one value from a store. `undefined`: there is none of that name. Throws what the store throws. */
export interface SecretStore {
  parameter(name: string, maxAgeSeconds: number): Promise<string | undefined>;
  secret(id: string, maxAgeSeconds: number): Promise<string | undefined>;
}

/**
 * The secrets of a source, newest first; empty when it has none.
 * @throws FleetReflexError `secret.unreadable` (retry): the store could not be asked
 */
export type SourceSecrets = (source: string) => Promise<readonly string[]>;

/** The secret that authenticates a source's sender; a source without one accepts no events. */
export function sourceSecrets(
  config: SecretsConfig,
  env: Environment,
  store: SecretStore = awsSecretStore,
): SourceSecrets {
  return secretsAt(secretVariable, 'sources', { config, env, store });
}

/**
 * The reply secrets of a source's chat: tokens, web hooks. They have a separate path, so that the roles behind the queue,
 * which send replies, cannot read the secrets that authenticate events.
 */
export function replySecrets(
  config: SecretsConfig,
  env: Environment,
  store: SecretStore = awsSecretStore,
): SourceSecrets {
  return secretsAt(replySecretVariable, 'replies', { config, env, store });
}

/**
 * The secrets that a destination's web hook is signed with, newest first, by the destination's name: only the function that
 * sends them may read them.
 */
export function destinationSecrets(
  config: SecretsConfig,
  env: Environment,
  store: SecretStore = awsSecretStore,
): SourceSecrets {
  return secretsAt(destinationSecretVariable, 'destinations', { config, env, store });
}

interface Places {
  config: SecretsConfig;
  env: Environment;
  store: SecretStore;
}

function secretsAt(
  variableOf: (source: string) => string,
  folder: 'sources' | 'replies' | 'destinations',
  { config, env, store }: Places,
): SourceSecrets {
  return async (source) => {
    const given = env[variableOf(source)];
    if (given !== undefined && given !== '') return await readLive(given, config, store);
    if (config.SECRETS_PREFIX === undefined) return [];
    const stored = await read(`${SSM}${config.SECRETS_PREFIX}/${folder}/${source}`, config, store);
    return stored === undefined ? [] : split(stored);
  };
}

/**
 * The live values of a comma-separated list of values and references, in its order.
 * @throws FleetReflexError `secret.missing`, `secret.unreadable`
 */
export async function readLive(
  given: string,
  config: SecretsConfig,
  store: SecretStore = awsSecretStore,
): Promise<readonly string[]> {
  const lists = await Promise.all(
    split(given).map(async (part) =>
      isReference(part) ? split(await readSecret(part, config, store)) : [part],
    ),
  );
  return lists.flat();
}

/**
 * One value, whole, commas and all.
 * @throws FleetReflexError `secret.missing`, `secret.unreadable`
 */
export async function readSecret(
  reference: string,
  config: SecretsConfig,
  store: SecretStore = awsSecretStore,
): Promise<string> {
  if (!isReference(reference)) return reference;
  const value = await read(reference, config, store);
  if (value !== undefined) return value;
  throw new FleetReflexError(
    'secret.missing',
    `There is no secret at ${reference}. Create it, or correct the setting that names it.`,
    { disposition: 'retry', details: { reference } },
  );
}

async function read(
  reference: string,
  { SECRETS_MAX_AGE_SECONDS: maxAge }: SecretsConfig,
  store: SecretStore,
): Promise<string | undefined> {
  try {
    return reference.startsWith(SSM)
      ? await store.parameter(reference.slice(SSM.length), maxAge)
      : await store.secret(reference.slice(SECRETS_MANAGER.length), maxAge);
  } catch (cause) {
    throw new FleetReflexError(
      'secret.unreadable',
      `The secret ${reference} could not be read: ${messageOf(cause)}. Check that the function's role may read it.`,
      { disposition: 'retry', details: { reference }, cause },
    );
  }
}

/** Whether a setting names where its value is, instead of being it. */
export function isReference(text: string): boolean {
  return text.startsWith(SSM) || text.startsWith(SECRETS_MANAGER);
}

function split(list: string): string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** How long a failure is remembered: as long as a sender is asked to wait. */
const FAILURE_MAX_AGE_SECONDS = 5;

/**
 * Caches a missing secret as long as a present one, and a failure for five seconds: Powertools caches neither, and
 * unauthenticated requests could cause a read each, up to the account's limit.
 * @param now milliseconds
 */
export function rememberingMisses(store: SecretStore, now = () => Date.now()): SecretStore {
  const remembering = (ask: SecretStore['parameter']): SecretStore['parameter'] => {
    const misses = new Map<string, { until: number; answer: () => undefined }>();
    const remember = (name: string, seconds: number, answer: () => undefined) =>
      misses.set(name, { until: now() + seconds * 1000, answer });
    return async (name, maxAgeSeconds) => {
      const miss = misses.get(name);
      if (miss !== undefined && now() < miss.until) return miss.answer();
      misses.delete(name);
      try {
        const value = await ask(name, maxAgeSeconds);
        if (value === undefined) remember(name, maxAgeSeconds, () => undefined);
        return value;
      } catch (thrown) {
        remember(name, FAILURE_MAX_AGE_SECONDS, () => {
          throw thrown;
        });
        throw thrown;
      }
    };
  };
  return {
    parameter: remembering((name, maxAge) => store.parameter(name, maxAge)),
    secret: remembering((id, maxAge) => store.secret(id, maxAge)),
  };
}

/** The stores of the account. Loaded only when a setting refers to one: a cold start without pays nothing. */
export const awsSecretStore: SecretStore = rememberingMisses({
  async parameter(name, maxAge) {
    const { getParameter } = await import('@aws-lambda-powertools/parameters/ssm');
    return await unlessMissing(getParameter(name, { decrypt: true, maxAge }));
  },
  async secret(id, maxAge) {
    const { getSecret } = await import('@aws-lambda-powertools/parameters/secrets');
    const value = await unlessMissing(getSecret(id, { maxAge }));
    return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
  },
});

/** A name that does not exist is an answer; everything else is a failure. Powertools wraps what the SDK throws. */
async function unlessMissing<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return (
    ['ParameterNotFound', 'ResourceNotFoundException'].includes(thrown.name) ||
    (thrown.cause !== undefined && isMissing(thrown.cause))
  );
}
