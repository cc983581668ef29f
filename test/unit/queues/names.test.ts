import { describe, expect, it } from 'vitest';
import { queuePrefix } from '../../../bin/queue-prefix.ts';
import { nameInAccount, prefixOf } from '../../../lib/queues/names.ts';

describe('a queue in the account', () => {
  it('of ours has the name of its deployment in front, so that two fit into one account', () => {
    expect(nameInAccount('completions', prefixOf('prod'))).toBe('fleet-reflex-prod-completions');
    expect(nameInAccount('wake-up', prefixOf('dev'))).toBe('fleet-reflex-dev-wake-up');
  });

  it('of ours has its plain name in the local stack', () => {
    expect(nameInAccount('completions', prefixOf('local'))).toBe('completions');
  });

  it('of somebody else keeps its name, also one that looks like ours', () => {
    expect(nameInAccount('ops-completions', prefixOf('prod'))).toBe('ops-completions');
    expect(nameInAccount('completions.fifo', prefixOf('prod'))).toBe('completions.fifo');
  });
});

describe('the queues that a command means', () => {
  it.each([
    ['what --stage says', 'prod', { STAGE: 'dev', QUEUE_PREFIX: 'x-' }, 'fleet-reflex-prod-'],
    ['a prefix of its own', undefined, { STAGE: 'dev', QUEUE_PREFIX: 'x-' }, 'x-'],
    ['plain names, where the prefix is set to nothing', undefined, { STAGE: 'prod', QUEUE_PREFIX: '' }, ''],
    ['the stage of the environment', undefined, { STAGE: 'prod' }, 'fleet-reflex-prod-'],
    ['plain names, where nothing is said', undefined, {}, ''],
  ])('%s', (_, stage, env, prefix) => {
    expect(queuePrefix(stage, env)).toBe(prefix);
  });
});
