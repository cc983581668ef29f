/** Secrets, through the real Powertools and the real SDK, against a store on this machine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { replySecretVariable, type SecretsConfig, secretVariable } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';
import {
  readLive,
  readSecret,
  rememberingMisses,
  replySecrets,
  type SecretStore,
  sourceSecrets,
} from '../../lib/secrets.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { startSecretStores } from '../fixtures/secret-stores.ts';

const stores = await startSecretStores();
const { parameters, secrets, asked } = stores;

beforeAll(() => {
  for (const [name, value] of Object.entries(stores.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stores.stop();
});
beforeEach(() => {
  parameters.clear();
  secrets.clear();
  asked.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

/** A name that no test before has asked for: what it held, or that it held nothing, is remembered. */
let names = 0;
function aName(): string {
  names += 1;
  return `/fleet/${names}`;
}

const config = (given: Partial<SecretsConfig> = {}): SecretsConfig => ({
  SECRETS_PREFIX: undefined,
  SECRETS_MAX_AGE_SECONDS: 300,
  ...given,
});

describe('a source’s secrets', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['are the value of its variable', { GITHUB_SECRET: 'one' }, ['one']],
    ['are two while one is rotated', { GITHUB_SECRET: 'new, old' }, ['new', 'old']],
    ['have no empty one', { GITHUB_SECRET: ' ,one,, ' }, ['one']],
    ['are none without a variable', { GITLAB_SECRET: 'x' }, []],
    ['are none with an empty one', { GITHUB_SECRET: '' }, []],
    ['are none with one of commas', { GITHUB_SECRET: ' , ' }, []],
  ])('%s', async (_, env, expected) => {
    expect(await sourceSecrets(config(), env)('github')).toEqual(expected);
    expect(asked).toEqual([]);
  });

  it('of a source with a dash are under its name with underscores', async () => {
    const read = sourceSecrets(config(), { STANDARD_WEBHOOKS_SECRET: 'one' });
    expect(await read('standard-webhooks')).toEqual(['one']);
  });

  it('come from Parameter Store and Secrets Manager, beside values, in the order of the list', async () => {
    const [parameter, secret, binary] = [aName(), aName(), aName()];
    parameters.set(parameter, 'of-ssm, of-ssm-too');
    secrets.set(secret, 'of-manager');
    secrets.set(binary, Buffer.from('of-bytes'));
    const given = `ssm:${parameter},plain,secretsmanager:${secret},secretsmanager:${binary}`;
    expect(await sourceSecrets(config(), { GITHUB_SECRET: given })('github')).toEqual([
      'of-ssm',
      'of-ssm-too',
      'plain',
      'of-manager',
      'of-bytes',
    ]);
  });

  it('are looked for under the prefix when there is no variable', async () => {
    const SECRETS_PREFIX = aName();
    parameters.set(`${SECRETS_PREFIX}/sources/github`, 'new,old');
    const read = sourceSecrets(config({ SECRETS_PREFIX }), {});
    expect(await read('github')).toEqual(['new', 'old']);
    expect(await read('gitlab')).toEqual([]);
  });

  it('are not looked for when there is a variable', async () => {
    const read = sourceSecrets(config({ SECRETS_PREFIX: aName() }), { GITHUB_SECRET: 'one' });
    expect(await read('github')).toEqual(['one']);
    expect(asked).toEqual([]);
  });

  it('are asked for once, also when there are none', async () => {
    const SECRETS_PREFIX = aName();
    parameters.set(`${SECRETS_PREFIX}/sources/github`, 'one');
    const read = sourceSecrets(config({ SECRETS_PREFIX }), {});
    for (let times = 0; times < 3; times += 1) {
      await read('github');
      await read('gitlab');
    }
    expect(asked).toEqual([`${SECRETS_PREFIX}/sources/github`, `${SECRETS_PREFIX}/sources/gitlab`]);
  });
});

describe('a source’s reply secrets', () => {
  it('are under a variable and a path of their own', async () => {
    const SECRETS_PREFIX = aName();
    parameters.set(`${SECRETS_PREFIX}/sources/github`, 'proof');
    parameters.set(`${SECRETS_PREFIX}/replies/github`, 'new,old');
    const read = replySecrets(config({ SECRETS_PREFIX }), {
      GITHUB_SECRET: 'proof',
      GITLAB_REPLY_SECRET: 'one',
    });
    expect([await read('github'), await read('gitlab'), await read('slack')]).toEqual([
      ['new', 'old'],
      ['one'],
      [],
    ]);
    expect(asked).toEqual([`${SECRETS_PREFIX}/replies/github`, `${SECRETS_PREFIX}/replies/slack`]);
  });

  it('are not the variable of any source', () => {
    const proofs = [...SOURCES.keys()].map(secretVariable);
    expect([...SOURCES.keys()].map(replySecretVariable).filter((it) => proofs.includes(it))).toEqual([]);
  });
});

describe('a secret that is rotated', () => {
  it('is the old one until its time is over, then the new ones, then the new one', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T10:00:00Z') });
    const name = aName();
    const read = sourceSecrets(config({ SECRETS_MAX_AGE_SECONDS: 60 }), { GITHUB_SECRET: `ssm:${name}` });
    const readAfter = async (seconds: number, stored: string) => {
      parameters.set(name, stored);
      vi.setSystemTime(Date.now() + seconds * 1000);
      return await read('github');
    };
    expect(await readAfter(0, 'old')).toEqual(['old']);
    expect(await readAfter(59, 'new,old')).toEqual(['old']);
    expect(await readAfter(2, 'new,old')).toEqual(['new', 'old']);
    expect(await readAfter(61, 'new')).toEqual(['new']);
    expect(asked).toEqual([name, name, name]);
  });

  it('is found when it is made, after the time for which it was not there', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T10:00:00Z') });
    const SECRETS_PREFIX = aName();
    const read = sourceSecrets(config({ SECRETS_PREFIX, SECRETS_MAX_AGE_SECONDS: 60 }), {});
    expect(await read('github')).toEqual([]);
    parameters.set(`${SECRETS_PREFIX}/sources/github`, 'one');
    vi.setSystemTime(Date.now() + 61_000);
    expect(await read('github')).toEqual(['one']);
  });
});

describe('a reference', () => {
  it.each([
    ['ssm', 'Parameter Store'],
    ['secretsmanager', 'Secrets Manager'],
  ])('%s: to nothing in %s says where nothing is', async (scheme) => {
    const reference = `${scheme}:${aName()}`;
    await expect(readLive(reference, config())).rejects.toMatchObject({
      code: 'secret.missing',
      disposition: 'retry',
      details: { reference },
      message: `There is no secret at ${reference}. Create it, or correct the setting that names it.`,
    });
  });

  it('that may not be read says so', async () => {
    const name = aName();
    parameters.set(name, 400);
    await expect(readLive(`ssm:${name}`, config())).rejects.toMatchObject({
      code: 'secret.unreadable',
      disposition: 'retry',
      details: { reference: `ssm:${name}` },
      cause: { message: expect.stringContaining('role x may not') },
    });
  });

  it('to one value is that value, commas and all', async () => {
    const name = aName();
    secrets.set(name, '{"secretId":"a","secretKey":"b"}');
    expect(await readSecret(`secretsmanager:${name}`, config())).toBe('{"secretId":"a","secretKey":"b"}');
    expect(await readSecret('a,b', config())).toBe('a,b');
  });

  it('beside values that are broken repeats none of them', async () => {
    const thrown = await readLive(`hunter2,ssm:${aName()}`, config()).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(FleetReflexError);
    expect(String(thrown)).not.toContain('hunter2');
  });
});

describe('a store', () => {
  /** A store that counts, and a clock that is set. */
  function aStore(answer: () => string | undefined) {
    const clock = { seconds: 0 };
    let calls = 0;
    const ask = async () => {
      calls += 1;
      return answer();
    };
    const store: SecretStore = rememberingMisses({ parameter: ask, secret: ask }, () => clock.seconds * 1000);
    return { store, clock, calls: () => calls };
  }

  it('is not asked again for what it has not, until the time is over', async () => {
    const { store, clock, calls } = aStore(() => undefined);
    const readAt = async (seconds: number) => {
      clock.seconds = seconds;
      expect(await store.parameter('x', 300)).toBeUndefined();
      return calls();
    };
    expect([await readAt(0), await readAt(299), await readAt(300), await readAt(599)]).toEqual([1, 1, 2, 2]);
  });

  it('is found to have it when the time is over', async () => {
    const values = [undefined, 'there now'];
    const { store, clock } = aStore(() => values.shift());
    expect(await store.secret('x', 10)).toBeUndefined();
    clock.seconds = 10;
    expect(await store.secret('x', 10)).toBe('there now');
  });

  it('that fails is asked again after five seconds, and fails the same until then', async () => {
    const failure = new Error('throttled');
    const { store, clock, calls } = aStore(() => {
      throw failure;
    });
    const readAt = async (seconds: number) => {
      clock.seconds = seconds;
      await expect(store.parameter('x', 300)).rejects.toBe(failure);
      return calls();
    };
    expect([await readAt(0), await readAt(4), await readAt(5)]).toEqual([1, 1, 2]);
  });

  it('is asked for each name by itself, and what it has is not kept here', async () => {
    const { store, calls } = aStore(() => 'value');
    await store.parameter('x', 300);
    await store.parameter('x', 300);
    await store.secret('x', 300);
    expect(calls()).toBe(3);
  });
});
