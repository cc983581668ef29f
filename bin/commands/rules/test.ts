/** Tries an event on the rules: for each rule whether it fires, and why not, and what it would ask for. */

import type { TriggerEvent } from '../../../lib/events/trigger-event.ts';
import { type Match, matchRules } from '../../../lib/rules/match.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import type { RunRequest } from '../../../lib/runs/run-request.ts';
import { readRules } from './read.ts';
import { readEvents } from './read-events.ts';

interface Asked {
  /** A file name, or `-`. */
  event: string;
  rules: string;
  source: string | undefined;
  isJson: boolean;
}

/** @returns the exit code */
export async function testRules(asked: Asked): Promise<number> {
  const ruleSet = await readRules(asked.rules);
  const now = new Date();
  const events = await readEvents(asked.event, asked.source, ruleSet.sources, now);
  if (events.kind === 'ignored') {
    console.log(`The source ignores it: ${events.because}.`);
    return 1;
  }
  const results = events.events.map((event) => tryEvent(event, ruleSet, now));
  if (asked.isJson) console.log(JSON.stringify(results, undefined, 2));
  else for (const result of results) print(result);
  return results.some(({ rules }) => rules.some(({ fires }) => fires)) ? 0 : 1;
}

interface Tried {
  event: Pick<TriggerEvent, 'source' | 'type' | 'id' | 'subject'>;
  rules: { rule: string; fires: boolean; because?: string; request?: RunRequest }[];
}

function tryEvent(event: TriggerEvent, ruleSet: RuleSet, now: Date): Tried {
  const { source, type, id, subject } = event;
  return {
    event: { source, type, id, ...(subject !== undefined && { subject }) },
    rules: matchRules(ruleSet, event).map((match) => describe(match, event, now)),
  };
}

function describe(match: Match, event: TriggerEvent, now: Date): Tried['rules'][number] {
  const rule = match.rule.name;
  if (!match.fires) return { rule, fires: false, because: match.because };
  return { rule, fires: true, request: renderRule(match.rule, event, { now }) };
}

function print({ event, rules }: Tried): void {
  console.log(
    `${event.type} of ${event.source}${event.subject ? `, about ${event.subject}` : ''} (${event.id})`,
  );
  if (rules.length === 0) console.log(`  no rule is on ${event.source}`);
  for (const { rule, fires, because, request } of rules) {
    console.log(fires ? `  ✓ ${rule}` : `  · ${rule}: ${because}`);
    if (request !== undefined) for (const line of linesOf(request)) console.log(`      ${line}`);
  }
}

function linesOf(request: RunRequest): string[] {
  const run = `run id    ${request.runId}`;
  switch (request.action) {
    case 'reject':
      return [`REJECTED  ${request.reason.code}: ${request.reason.message}`, run];
    case 'cancel':
      return [
        `cancel    ${request.targetRule ?? ''}${request.key === undefined ? '' : `, key ${request.key}`}`,
        run,
      ];
    case 'run':
    case 'schedule': {
      const parameters = Object.entries(request.parameters).map(([name, value]) => `${name} = ${value}`);
      return [
        `${request.action.padEnd(8)}  ${request.command} on ${request.instances.join(', ')} (${request.provider}, ${request.region})`,
        ...parameters.map((parameter) => `          ${parameter}`),
        ...(request.action === 'schedule' ? [`when      ${request.at ?? request.recurrence ?? ''}`] : []),
        `notify    ${request.notify.map(({ name }) => name).join(', ') || 'nobody'}`,
        run,
      ];
    }
  }
}
