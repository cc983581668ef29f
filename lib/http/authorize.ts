/** Identifies the caller of the API by the token in `Authorization`, and checks the token's scope. */
import { messageOf } from '../errors.ts';
import { type AccessToken, type AccessTokens, type Scope, tokenShown } from './access-tokens.ts';
import { notNow, Refusal } from './problem.ts';

/** @throws Refusal 401 for anything but a live token, 503 where the tokens cannot be read */
export async function authorize(header: string | undefined, tokens: AccessTokens): Promise<AccessToken> {
  const given = /^Bearer (\S+)$/i.exec(header ?? '')?.[1];
  const token = tokenShown(given, await liveTokens(tokens));
  if (token !== undefined) return token;
  throw new Refusal(
    {
      status: 401,
      code: 'token.wrong',
      title: 'Not authorized',
      detail: 'Send the header Authorization: Bearer <RUNS_TOKEN>.',
      headers: { 'www-authenticate': 'Bearer' },
    },
    header === undefined ? 'no token' : 'a wrong token',
  );
}

/** @throws Refusal 403 that names the scope (RFC 6750, section 3.1) */
export function demand({ name, scopes }: AccessToken, scope: Scope): void {
  if (scopes.has(scope)) return;
  throw new Refusal(
    {
      status: 403,
      code: 'token.scope',
      title: 'Not allowed',
      detail: `This needs a token with the scope ${scope}; the token ${name} has ${[...scopes].join(', ')}.`,
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
    },
    `the token ${name} has no scope ${scope}`,
  );
}

/** The caller is not authenticated yet, so problems of the configured tokens are only logged. */
async function liveTokens(tokens: AccessTokens): Promise<readonly AccessToken[]> {
  try {
    return await tokens();
  } catch (thrown) {
    throw new Refusal(notNow('tokens.unreadable'), messageOf(thrown));
  }
}
