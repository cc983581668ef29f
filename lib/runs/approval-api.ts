/** `POST /runs/{runId}/approve` and `/deny`, for a token with the scope `approve`. */
import * as z from 'zod';
import { type HttpAnswer, jsonAnswer, Refusal } from '../http/problem.ts';
import type { SourceRequest } from '../http/request.ts';
import { tokenActor } from '../model/actor.ts';
import { describeApproval } from '../model/describe-approval.ts';
import type { RunId } from '../model/run-request.ts';
import { summariseRun } from '../model/run-summary.ts';
import { type JudgeContext, type Judgement, judge } from './judge-approval.ts';

const MAX_WHY = 500;
const Body = z.strictObject({ why: z.string().min(1).max(MAX_WHY).optional() });

/** @returns undefined where there is no such run */
export async function answerApproval(
  runId: RunId,
  kind: Judgement['kind'],
  tokenName: string,
  request: SourceRequest,
  context: JudgeContext,
): Promise<HttpAnswer | undefined> {
  const judged = await judge(
    runId,
    { kind, why: readWhy(request, kind) },
    { actor: tokenActor(tokenName) },
    context,
  );
  switch (judged.kind) {
    case 'missing':
      return undefined;
    case 'done':
      return jsonAnswer(200, { ...summariseRun(judged.run), approval: describeApproval(judged.run) });
    case 'notWaiting':
      throw new Refusal(
        {
          status: 409,
          code: 'approval.not-waiting',
          title: 'The run waits for no approval',
          detail: `Nothing was changed: ${judged.because}. GET /runs/${runId} shows it.`,
        },
        judged.because,
      );
    case 'refused':
      throw new Refusal(
        {
          status: 403,
          code: judged.code,
          title: 'Not by this token',
          detail: `Nothing was changed: ${judged.because}.`,
        },
        `${tokenName}: ${judged.code}`,
      );
  }
}

function readWhy(request: SourceRequest, kind: Judgement['kind']): string | undefined {
  if (request.body.length === 0) return undefined;
  const given = Body.safeParse(request.json());
  if (given.success && (kind === 'denied' || given.data.why === undefined)) return given.data.why;
  const expected =
    kind === 'denied' ? `no body, or {"why": "…"} of at most ${MAX_WHY} characters` : 'no body, or {}';
  throw new Refusal(
    {
      status: 400,
      code: 'approval.invalid',
      title: 'Wrong body',
      detail: `Expected ${expected}. Nothing was changed.`,
    },
    'the body',
  );
}
