/** Calls the runs API of a deployment, and turns its answers and refusals into words. */
import * as z from 'zod';
import { environment } from '../lib/config.ts';
import { FleetReflexError, messageOf } from '../lib/errors.ts';

const Problem = z.object({ title: z.string(), detail: z.string() });

/** How to reach a deployment; the defaults are those of `npm start`. */
export const CONNECTION = `Environment:
  FLEET_REFLEX_URL   the deployment's HTTP endpoint (default http://127.0.0.1:3000, the local stack)
  RUNS_TOKEN         its token (default local-runs-token)`;

/**
 * @param path `/runs…` or `/freeze`
 * @throws FleetReflexError `api.unreachable`, `api.refused`
 */
export async function callRunsApi(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  json?: unknown,
): Promise<unknown> {
  const endpoint = environment['FLEET_REFLEX_URL'] ?? 'http://127.0.0.1:3000';
  const token = environment['RUNS_TOKEN'] ?? 'local-runs-token';
  const answer = await fetch(new URL(path, endpoint), {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  }).catch((cause: unknown) => {
    throw new FleetReflexError(
      'api.unreachable',
      `${endpoint} does not answer (${messageOf(cause instanceof Error && cause.cause ? cause.cause : cause)}). Is it running, and is FLEET_REFLEX_URL right?`,
      { cause },
    );
  });
  const text = await answer.text();
  const body = parse(text);
  if (answer.ok) return body;
  const problem = Problem.safeParse(body);
  const said = problem.success ? `${problem.data.title}. ${problem.data.detail}` : text.slice(0, 200);
  throw new FleetReflexError('api.refused', `${answer.status}: ${said}`);
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
