/** What RUNS_TOKEN may hold: who each token is, and no word of a token in what is said of a wrong one. */
import { describe, expect, it } from 'vitest';
import { accessTokens, parseTokens, SCOPES, tokenShown } from '../../../lib/http/access-tokens.ts';
import type { SecretStore } from '../../../lib/secrets.ts';

const CONFIG = { SECRETS_PREFIX: undefined, SECRETS_MAX_AGE_SECONDS: 300 };
const ANN = 'ann-token-0123456789';
const BOB = 'bob-token-0123456789';

const storing = (texts: Readonly<Record<string, string>>): SecretStore => ({
  parameter: async (name) => texts[name],
  secret: async (id) => texts[id],
});

async function holders(setting: string, store = storing({})) {
  const live = await accessTokens(setting, CONFIG, store)();
  return (given: string | undefined) => {
    const token = tokenShown(given, live);
    return token && [token.name, [...token.scopes].join(' ')];
  };
}

describe('the tokens of the API', () => {
  it.each([
    ['a bare one', ANN, { name: 'operator', scopes: SCOPES, token: ANN }],
    ['a short bare one, as it always was', 'x', { name: 'operator', scopes: SCOPES, token: 'x' }],
    ['one with a name and a scope', `ann:read:${ANN}`, { name: 'ann', scopes: ['read'], token: ANN }],
    [
      'one with several scopes',
      `ann@ops.example:operate+read:${ANN}`,
      { name: 'ann@ops.example', scopes: ['operate', 'read'], token: ANN },
    ],
    ['one with a colon in it', `ann:read:${ANN}:x`, { name: 'ann', scopes: ['read'], token: `${ANN}:x` }],
    [
      'one of a JSON list',
      JSON.stringify([{ name: 'ann', scopes: ['read'], token: `${ANN},` }]),
      { name: 'ann', scopes: ['read'], token: `${ANN},` },
    ],
  ])('%s is read', (_, text, expected) => {
    expect(parseTokens(text)).toEqual([expected]);
  });

  it.each([',', '\n', '\r\n', ' ,\n '])('are several between %j', (between) => {
    const names = parseTokens(`ann:read:${ANN}${between}${BOB}`).map(({ name }) => name);
    expect(names).toEqual(['ann', 'operator']);
  });

  it.each([
    ['a scope that there is none of', `ann:raed:${ANN}`, /^.*entry 1: the scopes are read, operate/],
    ['no scope', `ann::${ANN}`, /entry 1: the scopes are/],
    ['no name', `:read:${ANN}`, /entry 1: the name must be/],
    ['a name like a chat user', `slack/U2:read:${ANN}`, /entry 1: the name must be/],
    ['two parts', `ok,ann:${ANN}`, /entry 2: expected name:scopes:token/],
    ['a short token', 'ann:read:bobs-hunter2', /at least 16 characters/],
    ['broken JSON', `[{"token":"${ANN}"`, /it is not JSON/],
    ['JSON of another shape', `[{"name":"ann","scopes":["read"],"tokens":"${ANN}"}]`, /entry 1/],
    ['a token as a field', `[{"${ANN}":"ann"}]`, /entry 1/],
    ['tokens alone in a list', `["${ANN}"]`, /entry 1/],
    ['one token of two names', `ann:read:${ANN},bob:read:${ANN}`, /have the same token/],
  ])('with %s are refused at once, and no token is repeated', (_, setting, message) => {
    const read = () => accessTokens(setting, CONFIG, storing({}));
    expect(read).toThrow(expect.objectContaining({ code: 'tokens.invalid' }));
    expect(read).toThrow(message);
    expect(read).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/token-0123|hunter2/) }),
    );
  });

  it('are looked for where the setting says, beside its own, and each is who it is', async () => {
    const store = storing({
      '/fleet/people': `ann:read:${ANN}\nbob:read+operate:${BOB}`,
      'fleet/robots': JSON.stringify([{ name: 'ci', scopes: ['freeze'], token: 'ci-token-0123456789' }]),
    });
    const who = await holders('ssm:/fleet/people,old-token,secretsmanager:fleet/robots', store);
    expect([ANN, BOB, 'old-token', 'ci-token-0123456789'].map(who)).toEqual([
      ['ann', 'read'],
      ['bob', 'read operate'],
      ['operator', SCOPES.join(' ')],
      ['ci', 'freeze'],
    ]);
    expect(['', 'x', `ann:read:${ANN}`, undefined].map(who)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('of a store are checked when they are read, together with the setting’s own', async () => {
    const store = storing({ '/fleet/people': `bob:read:${ANN}`, '/fleet/broken': 'ann:x:y' });
    for (const setting of [`ann:read:${ANN},ssm:/fleet/people`, 'ssm:/fleet/broken']) {
      await expect(accessTokens(setting, CONFIG, store)()).rejects.toMatchObject({ code: 'tokens.invalid' });
    }
    await expect(accessTokens('ssm:/fleet/none', CONFIG, store)()).rejects.toMatchObject({
      code: 'secret.missing',
    });
  });

  it('are two of one name while one is rotated', async () => {
    const who = await holders(`ann:read+operate:${ANN},ann:read+operate:${BOB}`);
    expect([ANN, BOB].map(who)).toEqual([
      ['ann', 'read operate'],
      ['ann', 'read operate'],
    ]);
  });
});
