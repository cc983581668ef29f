/** `POST /runs/{runId}/approve` and `/deny`: scopes, who may not, and what is answered. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { accessTokens } from '../../lib/http/access-tokens.ts';
import { runsHandler } from '../../lib/runs/runs-api.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext, anHttpEvent } from '../fixtures/http-events.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const TOKENS = [
  'ops:read+operate:the-operator-token',
  'approver:read+approve:the-approver-token',
  'second:approve:the-second-token',
].join(',');
const Body = z.looseObject({ type: z.string().optional(), detail: z.string().optional() });

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
});
afterEach(async () => {
  await table.stop();
});

async function waiting(given: Partial<RunOnlyRequest> = {}): Promise<string> {
  const request = world.request();
  await world.dispatch({ ...request, approval: { users: [], channels: [], expiresMs: 60_000 }, ...given });
  return request.runId;
}

async function call(
  path: string,
  { token = 'the-approver-token', body = '', method = 'POST', query = '' } = {},
): Promise<{ status: number; code: string | undefined; body: z.infer<typeof Body> }> {
  const handler = runsHandler({
    ...world.context,
    audit: { ...world.context.audit, list: async () => ({ entries: [] }) },
    events: { list: async () => ({ events: [] }) },
    windows: async () => ({ freezes: [], only: [] }),
    tokens: accessTokens(TOKENS, { SECRETS_MAX_AGE_SECONDS: 300 }),
    log: capturedLog(),
  });
  const [, , runId] = path.split('/');
  const event = {
    ...anHttpEvent({ method, query, headers: { authorization: `Bearer ${token}` }, body }),
    rawPath: path,
    pathParameters: { runId },
  };
  const answer = await handler(event, aLambdaContext());
  const parsed = Body.parse(JSON.parse(answer.body));
  return {
    status: answer.statusCode,
    code: parsed.type?.replace('urn:fleet-reflex:problem:', ''),
    body: parsed,
  };
}

describe('approve', () => {
  it('says who and when, twice the same, and shows what will run', async () => {
    const runId = await waiting();
    const first = await call(`/runs/${runId}/approve`);
    expect(first).toMatchObject({
      status: 200,
      body: { runId, approval: { verdict: 'approved', by: 'approver', at: expect.any(String) } },
    });
    expect(await call(`/runs/${runId}/approve`)).toMatchObject({ status: 200 });
    expect(await call(`/runs/${runId}`, { method: 'GET' })).toMatchObject({
      status: 200,
      body: { approval: { by: 'approver', plan: { script: 'restart web' } } },
    });
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });

  it.each(['approve', 'deny'])('%s without the scope is a 403 that names it', async (verb) => {
    const answer = await call(`/runs/${await waiting()}/${verb}`, { token: 'the-operator-token' });
    expect(answer).toMatchObject({ status: 403, code: 'token.scope' });
    expect(answer.body.detail).toContain('the scope approve');
  });

  it.each(['approve', 'deny'])('%s by the token that caused the run is a 403', async (verb) => {
    const { trigger } = world.request();
    const runId = await waiting({ trigger: { ...trigger, actor: { id: 'approver', source: 'api' } } });
    expect(await call(`/runs/${runId}/${verb}`)).toMatchObject({ status: 403, code: 'approval.own' });
    expect(await call(`/runs/${runId}/${verb}`, { token: 'the-second-token' })).toMatchObject({
      status: 200,
    });
  });

  it('of a run that waits for none, or was judged by another, is a 409', async () => {
    const plain = await waiting({ approval: undefined });
    expect(await call(`/runs/${plain}/approve`)).toMatchObject({ status: 409, code: 'approval.not-waiting' });
    const runId = await waiting();
    await call(`/runs/${runId}/deny`);
    expect(await call(`/runs/${runId}/approve`)).toMatchObject({ status: 409 });
    expect(await call(`/runs/${runId}/deny`, { token: 'the-second-token' })).toMatchObject({ status: 409 });
    await world.poll();
    expect(world.cloud.taken.length).toBe(1);
  });

  it('of a run that is not there is a 404; by GET a 405; with a query or a body a 400', async () => {
    const runId = await waiting();
    expect((await call(`/runs/run-${'a'.repeat(26)}/approve`)).status).toBe(404);
    expect((await call('/runs/nothing/approve')).status).toBe(404);
    expect((await call(`/runs/${runId}/approve`, { method: 'GET' })).status).toBe(405);
    expect((await call(`/runs/${runId}/approve`, { query: 'force=1' })).status).toBe(400);
    expect((await call(`/runs/${runId}/approve`, { body: '{"why":"x"}' })).code).toBe('approval.invalid');
    expect((await world.run(runId)).approval?.verdict).toBeUndefined();
  });
});

describe('deny', () => {
  it('ends the run with who and why', async () => {
    const runId = await waiting();
    const answer = await call(`/runs/${runId}/deny`, { body: '{"why":"not on a Friday"}' });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'rejected',
        reason: {
          code: 'approval.denied',
          message: 'approver denied it: not on a Friday. Nothing was sent.',
        },
      },
    });
    expect([...world.audited.values()]).toMatchObject([
      { act: 'run.denied', runId, details: { why: 'not on a Friday' } },
    ]);
  });
});
