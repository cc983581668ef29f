/**
 * The API for people, behind bearer tokens with scopes: `GET /runs`, `GET /runs/{runId}`,
 * `POST /runs/{runId}/cancel`, `/resume`, `/approve` and `/deny`,
 * what was decided about events (`GET /events`), who did what (`GET /audit`), and the kill switch `/freeze`.
 */
import middy from '@middy/core';
import * as z from 'zod';
import { answerFreeze, type FreezeApiContext } from '../guards/freeze-api.ts';
import type { AccessTokens } from '../http/access-tokens.ts';
import { authorize, demand } from '../http/authorize.ts';
import { correlation, problems } from '../http/middleware.ts';
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import { HttpEvent, type SourceRequest, toRequest } from '../http/request.ts';
import type { CorrelatedLog } from '../logging.ts';
import { tokenActor } from '../model/actor.ts';
import { type AuditEntry, auditEntry } from '../model/audit-entry.ts';
import { isCutShort, resumedAs } from '../model/resume.ts';
import { instancesOf, type Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { summariseRun } from '../model/run-summary.ts';
import type { AuditLog } from '../store/audit-log.ts';
import type { EventLog } from '../store/event-log.ts';
import { AuditQuery, EventsQuery, ListQuery, NoQuery, readQuery } from './api-query.ts';
import { answerApproval } from './approval-api.ts';
import { type CancelContext, cancelRun } from './cancel.ts';
import type { Judgement } from './judge-approval.ts';
import { answerResume } from './resume-api.ts';
import { describeRun } from './run-view.ts';
import { answerSweep } from './sweep-api.ts';
import type { SweepContext } from './sweep-runs.ts';

export interface RunsApiContext extends CancelContext, FreezeApiContext, SweepContext {
  events: Pick<EventLog, 'list'>;
  audit: AuditLog;
  tokens: AccessTokens;
  log: CorrelatedLog;
}

/** By the last part of the path. */
const JUDGEMENTS: ReadonlyMap<string, Judgement['kind']> = new Map([
  ['approve', 'approved'],
  ['deny', 'denied'],
]);

export function runsHandler(context: RunsApiContext) {
  return middy<unknown, HttpAnswer>()
    .use(correlation(context.log))
    .use(problems(context.log, 'operator'))
    .handler(async (event) => await route(HttpEvent.parse(event), context));
}

async function route(event: HttpEvent, context: RunsApiContext): Promise<HttpAnswer> {
  const request = toRequest(event, '');
  const token = await authorize(request.headers['authorization'], context.tokens);
  if (event.rawPath.endsWith('/freeze')) {
    readQuery(request.query, NoQuery);
    return await answerFreeze(request, token, context);
  }
  if (event.rawPath.endsWith('/reconcile')) {
    checkMethod(request.method, 'POST');
    readQuery(request.query, NoQuery);
    return await answerSweep(request, token, context);
  }
  if (event.rawPath.endsWith('/events')) {
    checkMethod(request.method, 'GET');
    demand(token, 'read');
    return await listEvents(request.query, context);
  }
  if (event.rawPath.endsWith('/audit')) {
    checkMethod(request.method, 'GET');
    demand(token, 'read');
    return jsonAnswer(200, await context.audit.list(readQuery(request.query, AuditQuery)));
  }
  const runId = event.pathParameters?.['runId'];
  const kind = runId === undefined ? undefined : JUDGEMENTS.get(event.rawPath.split('/').at(-1) ?? '');
  if (runId !== undefined && kind !== undefined) {
    checkMethod(request.method, 'POST');
    demand(token, 'approve');
    readQuery(request.query, NoQuery);
    if (!RunId.safeParse(runId).success) throw noSuchRun();
    const answer = await answerApproval(runId, kind, token.name, request, context);
    if (answer === undefined) throw noSuchRun();
    return answer;
  }
  if (runId !== undefined && event.rawPath.endsWith('/resume')) {
    checkMethod(request.method, 'POST');
    demand(token, 'operate');
    readQuery(request.query, NoQuery);
    const answer = RunId.safeParse(runId).success
      ? await answerResume(runId, token.name, request, context)
      : undefined;
    if (answer === undefined) throw noSuchRun();
    return answer;
  }
  const isCancel = runId !== undefined && event.rawPath.endsWith('/cancel');
  checkMethod(request.method, isCancel ? 'POST' : 'GET');
  demand(token, isCancel ? 'operate' : 'read');
  if (runId === undefined) return await list(request.query, context);
  readQuery(request.query, NoQuery);
  if (!RunId.safeParse(runId).success) throw noSuchRun();
  return isCancel ? await cancel(runId, token.name, request, context) : await show(runId, context);
}

/** API Gateway's routes limit the methods too, but actions do not rely on them. */
function checkMethod(method: string, expected: 'GET' | 'POST'): void {
  if (method === expected) return;
  throw new Refusal(
    {
      status: 405,
      code: 'method.notAllowed',
      title: 'Method not allowed',
      detail: `Expected ${expected}, came ${method}.`,
      headers: { allow: expected },
    },
    method,
  );
}

async function list(query: URLSearchParams, { store }: RunsApiContext): Promise<HttpAnswer> {
  const asked = readQuery(query, ListQuery);
  if (asked.status !== 'scheduled') return jsonAnswer(200, await store.list(asked));
  const { limit, rule } = asked;
  const runs = await store.scheduled({ limit, rule });
  return jsonAnswer(200, { runs: runs.map(summariseRun) });
}

async function listEvents(query: URLSearchParams, { events }: RunsApiContext): Promise<HttpAnswer> {
  const { limit, cursor, source, include } = readQuery(query, EventsQuery);
  const page = await events.list({ limit, ...(cursor && { cursor }), ...(source && { source }) });
  if (include === 'event') return jsonAnswer(200, page);
  return jsonAnswer(200, { ...page, events: page.events.map(({ event: _, ...record }) => record) });
}

async function show(runId: string, { store }: RunsApiContext): Promise<HttpAnswer> {
  const run = await store.get(runId);
  if (run === undefined) throw noSuchRun();
  const [whole, resumed] = await Promise.all([
    store.outputs(run),
    isCutShort(run) ? store.get(resumedAs(run)) : undefined,
  ]);
  return jsonAnswer(200, describeRun(whole, resumed));
}

const CancelBody = z.strictObject({ instances: z.array(z.string().min(1)).min(1).max(2000).optional() });

/** @returns the named instances; undefined: the whole run */
function readCancel(request: SourceRequest): string[] | undefined {
  if (request.body.length === 0) return undefined;
  const asked = CancelBody.safeParse(request.json());
  if (asked.success) return asked.data.instances;
  const wrong = asked.error.issues
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
    .join('; ');
  throw badCancel(
    'cancel.invalid',
    `Expected no body, or {"instances": ["…"]} with at least one. ${wrong}. Nothing was cancelled.`,
  );
}

function badCancel(code: string, detail: string): Refusal {
  return new Refusal({ status: 400, code, title: 'Wrong cancel', detail }, code);
}

async function cancel(
  runId: string,
  by: string,
  request: SourceRequest,
  context: RunsApiContext,
): Promise<HttpAnswer> {
  if ((await context.store.get(runId)) === undefined) throw noSuchRun();
  const instances = readCancel(request);
  const outcome = await cancelRun(runId, by, context, instances);
  switch (outcome.kind) {
    case 'missing':
      throw noSuchRun();
    case 'ended':
      throw new Refusal(
        {
          status: 409,
          code: 'run.ended',
          title: 'The run has ended',
          detail: `It ended as ${outcome.run.status} before it could be cancelled; nothing was changed.`,
        },
        outcome.run.status,
      );
    case 'unknown':
      throw badCancel(
        'instances.unknown',
        `The run has no ${outcome.instances.slice(0, 5).join(', ')}; it has ${shortList(instancesOf(outcome.run))}. Nothing was cancelled.`,
      );
    case 'waiting':
      throw new Refusal(
        {
          status: 409,
          code: 'run.scheduled',
          title: 'A schedule has no part',
          detail:
            'It makes a run for each time, or is fired by the cloud: cancel it whole, or the instances of one of its runs. Nothing was cancelled.',
        },
        outcome.run.status,
      );
    case 'requested':
      await context.audit.add(cancelEntry(outcome.run, by, context.now(), instances));
      return jsonAnswer(202, summariseRun(outcome.run));
  }
}

function cancelEntry(
  { runId, rule, revision }: Run,
  by: string,
  now: Date,
  instances: readonly string[] | undefined,
): AuditEntry {
  const where = instances === undefined ? '' : ` on ${shortList(instances)}`;
  return auditEntry({
    id: `run.cancelled/${runId}/${revision}/${by}`,
    at: now.toISOString(),
    act: 'run.cancelled',
    actor: tokenActor(by),
    runId,
    rule,
    message: `The run was cancelled${where}.`,
  });
}

function shortList(ids: readonly string[]): string {
  return ids.length > 10 ? `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more` : ids.join(', ');
}

function noSuchRun(): Refusal {
  return new Refusal(
    {
      status: 404,
      code: 'run.unknown',
      title: 'No such run',
      detail: 'There is no run of this id; runs are kept for 30 days. GET /runs lists them.',
    },
    'no run has this id',
  );
}
