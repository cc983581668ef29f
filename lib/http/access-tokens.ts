/**
 * The tokens of the API. Each has a name, which is recorded with each action, and scopes, which limit the actions.
 * Parses `RUNS_TOKEN`; docs/configuration.md ("The tokens of the API") has the forms.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { SecretsConfig } from '../config.ts';
import { FleetReflexError } from '../errors.ts';
import { awsSecretStore, isReference, readSecret, type SecretStore } from '../secrets.ts';

/**
 * - `read`: runs, events, whether all is frozen
 * - `operate`: cancel a run
 * - `approve`: approve a run that waits for it, or deny it
 * - `freeze`: set and lift the freeze
 */
export const SCOPES = ['read', 'operate', 'approve', 'freeze'] as const;
export type Scope = (typeof SCOPES)[number];

/** A token that has no name of its own. */
const BARE = { name: 'operator', scopes: SCOPES } as const;

/** No space, slash or parenthesis: a name never reads like a chat's user (`slack/U2 (ann)`) or like a rule. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const MIN_TOKEN = 16;
const FORM = `name:scopes:token, with the scopes ${SCOPES.join(', ')} joined by +`;

const NamedToken = z.strictObject(
  {
    name: z.string().regex(NAME, 'the name must be 1 to 64 letters, digits and . _ @ -'),
    scopes: z
      .array(z.enum(SCOPES, `the scopes are ${SCOPES.join(', ')}`))
      .min(1, `name at least one scope of ${SCOPES.join(', ')}`),
    token: z
      .string()
      .min(MIN_TOKEN, `the token must have at least ${MIN_TOKEN} characters`)
      .regex(/^\S+$/, 'the token must have no spaces'),
  },
  'expected name, scopes and token, and nothing else',
);
const TokenList = z.array(NamedToken);

/** A token as it is configured. */
export interface ConfiguredToken {
  name: string;
  scopes: readonly Scope[];
  token: string;
}

/** A token's name and scopes; comparison uses its hash. */
export interface AccessToken {
  name: string;
  scopes: ReadonlySet<Scope>;
  digest: Buffer;
}

/** @throws FleetReflexError `tokens.invalid`, `secret.missing`, `secret.unreadable` (retry) */
export type AccessTokens = () => Promise<readonly AccessToken[]>;

/**
 * The live tokens of a setting, which holds them or names where they are.
 * @throws FleetReflexError `tokens.invalid`, at once, for what the setting holds itself
 */
export function accessTokens(
  setting: string,
  config: SecretsConfig,
  store: SecretStore = awsSecretStore,
): AccessTokens {
  const isList = setting.trimStart().startsWith('[');
  const references = isList ? [] : entriesOf(setting).filter(isReference);
  const own = isList ? parseList(setting) : entriesOf(setting).flatMap(parseUnlessReference);
  checkDistinct(own);
  return async () => {
    const texts = await Promise.all(references.map((reference) => readSecret(reference, config, store)));
    const configured = [...own, ...texts.flatMap(parseTokens)];
    checkDistinct(configured);
    return configured.map(({ name, scopes, token }) => ({
      name,
      scopes: new Set(scopes),
      digest: sha256(token),
    }));
  };
}

/**
 * The tokens of a text: a JSON list, or entries between commas or line ends. References are none here.
 * @throws FleetReflexError `tokens.invalid`; it repeats nothing of the text
 */
export function parseTokens(text: string): ConfiguredToken[] {
  return text.trimStart().startsWith('[') ? parseList(text) : entriesOf(text).map(parseEntry);
}

/** Finds the token of a request in constant time: every live one is compared, and all hashes have the same length. */
export function tokenShown(given: string | undefined, live: readonly AccessToken[]): AccessToken | undefined {
  const digest = sha256(given ?? '');
  const matches = live.filter((token) => timingSafeEqual(token.digest, digest));
  return given === undefined ? undefined : matches[0];
}

function entriesOf(text: string): string[] {
  return text
    .split(/[,\n\r]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function parseUnlessReference(entry: string, index: number): ConfiguredToken[] {
  return isReference(entry) ? [] : [parseEntry(entry, index)];
}

function parseEntry(entry: string, index: number): ConfiguredToken {
  const [name = '', scopes, ...rest] = entry.split(':');
  // A bearer token has no colon (RFC 6750, token68), so that one with colons is never taken for a bare one.
  if (scopes === undefined) return { ...BARE, token: entry };
  const where = `entry ${index + 1}`;
  if (rest.length === 0) throw invalid([`${where}: expected ${FORM}`]);
  return check(NamedToken, { name, scopes: scopes.split('+'), token: rest.join(':') }, () => where);
}

function parseList(text: string): ConfiguredToken[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // The parser's own words would quote the text.
    throw invalid(['expected a JSON list of {"name", "scopes", "token"}, and it is not JSON']);
  }
  return check(TokenList, list, (path) => `entry ${Number(path[0] ?? 0) + 1}`);
}

function check<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  where: (path: readonly PropertyKey[]) => string,
): Value {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw invalid(checked.error.issues.map(({ path, message }) => `${where(path)}: ${message}`));
}

/** One token has one name: otherwise the record would not identify the caller. */
function checkDistinct(tokens: readonly ConfiguredToken[]): void {
  const problems = tokens.flatMap(({ name, token }) => {
    const other = tokens.find((it) => it.token === token && it.name !== name);
    return other === undefined ? [] : [`the names ${name} and ${other.name} have the same token`];
  });
  if (problems.length > 0) throw invalid(problems.slice(0, 1));
}

function invalid(problems: readonly string[]): FleetReflexError {
  return new FleetReflexError(
    'tokens.invalid',
    `The tokens of the API (RUNS_TOKEN, or what it names) are not right. ${problems.join('; ')}. docs/configuration.md shows the forms.`,
    { disposition: 'retry', details: { problems } },
  );
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
