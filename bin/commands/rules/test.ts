/** Tries an event on the rules: for each rule whether it fires, and why not, and what it would ask for. */

import { ancestorSearch } from '../../../lib/model/find-ancestors.ts';
import type { RunRequest } from '../../../lib/model/run-request.ts';
import { conceal, shownParameters } from '../../../lib/model/secret-parameters.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { type Rehearsal, wouldRun } from '../../../lib/providers/rehearsal.ts';
import { askRules } from '../../../lib/rules/ask-rules.ts';
import { formatDuration } from '../../../lib/rules/duration.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { stepsOfRequest } from '../../../lib/rules/steps.ts';
import { limitRequest } from '../../../lib/runs/limit-request.ts';
import { guardsText } from './guards-text.ts';
import { placeText } from './instances-text.ts';
import { readRules } from './read.ts';
import { readEvents } from './read-events.ts';
import { rehearsalLines, rehearse, withClouds } from './rehearse.ts';
import { requestView } from './request-view.ts';

interface TestOptions {
  /** A file name, or `-`. */
  event: string;
  rules: string;
  source: string | undefined;
  isJson: boolean;
  /** Whether the clouds are asked what would run. */
  isRehearsed: boolean;
}

/** @returns the exit code */
export async function testRules(asked: TestOptions): Promise<number> {
  const ruleSet = await readRules(asked.rules);
  const now = new Date();
  const events = await readEvents(asked.event, asked.source, ruleSet.sources, now);
  if (events.kind === 'ignored') {
    console.log(`The source ignores it: ${events.because}.`);
    return 1;
  }
  const results = tryEvents(events.events, ruleSet, now);
  if (asked.isRehearsed) await rehearseAll(results);
  if (asked.isJson) console.log(JSON.stringify(results.map(shown), undefined, 2));
  else for (const result of results) print(result);
  const tried = results.flatMap(({ rules }) => rules);
  const wouldAllRun = tried.every(({ rehearsal }) => rehearsal?.every(wouldRun) !== false);
  return tried.some(({ fires }) => fires) && wouldAllRun ? 0 : 1;
}

interface Tried {
  event: Pick<TriggerEvent, 'source' | 'type' | 'id' | 'subject'>;
  rules: {
    rule: string;
    fires: boolean;
    because?: string;
    request?: RunRequest;
    /** One for each call that the run would be cut into. */
    rehearsal?: Rehearsal[] | undefined;
  }[];
}

/** Without the values of secret parameters. */
function shown({ event, rules }: Tried) {
  return {
    event,
    rules: rules.map(({ request, ...rest }) => ({
      ...rest,
      request: request && requestView(request),
    })),
  };
}

async function rehearseAll(results: readonly Tried[]): Promise<void> {
  await withClouds(async (providers) => {
    await Promise.all(
      results
        .flatMap(({ rules }) => rules)
        .map(async (tried) => {
          if (tried.request !== undefined) tried.rehearsal = await rehearse(tried.request, providers);
        }),
    );
  });
}

/** All of them are one delivered request, as they would be at the door. */
function tryEvents(events: readonly TriggerEvent[], ruleSet: RuleSet, now: Date): Tried[] {
  const ancestorsOf = ancestorSearch();
  const steps = stepsOfRequest();
  const asked = events.map((event) => ({
    event,
    asked: askRules(ruleSet, event, { now, ancestorsOf, steps: steps.ofEvent() }),
  }));
  const requests = asked.flatMap(({ asked: { requests: of } }) => of);
  const sentFor = limitRequest(requests, ruleSet.limits.runsPerRequest);
  return asked.map(({ event: { source, type, id, subject }, asked: { requests: of, whyNot } }) => {
    const tried = new Map<string, Tried['rules'][number]>([
      ...whyNot().map(
        ({ rule: { name: rule }, because }) => [rule, { rule, fires: false, because }] as const,
      ),
      ...of.map((request) => [request.rule, fired(request, sentFor)] as const),
    ]);
    return {
      event: { source, type, id, ...(subject !== undefined && { subject }) },
      rules: ruleSet.rules.flatMap(({ name }) => tried.get(name) ?? []),
    };
  });
}

function fired(request: RunRequest, sentFor: ReadonlyMap<string, RunRequest>): Tried['rules'][number] {
  return { rule: request.rule, fires: true, request: sentFor.get(request.runId) ?? request };
}

function print({ event, rules }: Tried): void {
  console.log(
    `${event.type} of ${event.source}${event.subject ? `, about ${event.subject}` : ''} (${event.id})`,
  );
  if (rules.length === 0) console.log(`  no rule is on ${event.source}`);
  for (const { rule, fires, because, request, rehearsal } of rules) {
    console.log(fires ? `  ✓ ${rule}` : `  · ${rule}: ${because}`);
    const lines = [...(request === undefined ? [] : linesOf(request)), ...rehearsalLines(rehearsal ?? [])];
    for (const line of lines) console.log(`      ${line}`);
  }
}

function linesOf(request: RunRequest): string[] {
  const run = `run id    ${request.runId}`;
  switch (request.action) {
    case 'reject':
      return [`REJECTED  ${request.reason.code}: ${request.reason.message}`, run];
    case 'judge':
      return [`${request.kind.padEnd(8)}  ${request.targetRunId}`, run];
    case 'cancel':
      return [
        `cancel    ${request.targetRule ?? ''}${request.key === undefined ? '' : `, key ${request.key}`}`,
        run,
      ];
    case 'run':
    case 'schedule': {
      const { target } = request;
      const parameters = Object.entries(shownParameters(target)).map(([name, value]) => `${name} = ${value}`);
      return [
        `${request.action.padEnd(8)}  ${target.command} on ${whereOf(request)} (${target.provider}, ${target.region})`,
        ...parameters.map((parameter) => `          ${parameter}`),
        ...(request.action === 'schedule' ? [`when      ${request.at ?? request.recurrence ?? ''}`] : []),
        ...(request.action === 'run' ? [`guards    ${guardsText(request.guards)}`] : []),
        ...approvalLine(request),
        `notify    ${request.notify.map(({ name, outcome }) => (outcome === undefined ? name : `${name} (${outcome})`)).join(', ') || 'nobody'}`,
        run,
      ].map((line) => conceal(target, line));
    }
  }
}

/** All of the instances; a tagged fleet's are known when the cloud is asked. */
function whereOf({ target, taggedFleet }: Extract<RunRequest, { action: 'run' | 'schedule' }>): string {
  if (taggedFleet === undefined) return target.instances.join(', ');
  return `${placeText(target, taggedFleet)}, as the cloud has it when it is sent (--rehearse asks it)`;
}

function approvalLine(request: Extract<RunRequest, { action: 'run' | 'schedule' }>): string[] {
  const approval = request.action === 'run' ? request.approval : request.execution?.approval;
  return approval === undefined ? [] : [`approval  within ${formatDuration(approval.expiresMs)}`];
}
