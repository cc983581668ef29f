/**
 * `schedule <rule> at <time>`: what `run <rule>` would run, made a schedule at the provider. Schedules know no guards
 * and no working directory: what would then be another run than the rule's is refused.
 */
import { matchNamed } from '../../rules/match.ts';
import { renderRule } from '../../rules/render.ts';
import type { RunRequest } from '../../runs/run-request.ts';
import { findRule, optionProblem } from '../named-rule.ts';
import { TIME_EXPECTED, toTime } from '../time.ts';
import { type ChatContext, type ChatReply, defineVerb, saying } from '../verb.ts';

export interface ScheduleCommand {
  verb: 'schedule';
  rule: string;
  /** As typed: `22:00+08:00`. */
  at: string;
  options: Readonly<Record<string, string>>;
}

export const schedule = defineVerb<ScheduleCommand>({
  name: 'schedule',
  usage: 'schedule <rule> at <time> [key=value …]',
  summary: 'runs a rule later, once',
  parse({ args, options }) {
    const [rule, word, ...time] = args;
    if (rule === undefined) return { ok: false, problem: 'expected the name of a rule' };
    // `schedule patch-web in 30m` is as clear as `at in 30m`.
    const at = word === 'in' ? `in ${time.join(' ')}` : time.join(' ');
    if ((word !== 'at' && word !== 'in') || time.length === 0) {
      return { ok: false, problem: `expected \`at\` and ${TIME_EXPECTED}` };
    }
    return { ok: true, command: { verb: 'schedule', rule, at, options } };
  },
  perform: async (command, context) => scheduleNamed(command, context),
});

type RunAction = Extract<RunRequest, { action: 'run' }>;

function scheduleNamed({ rule: name, at, options }: ScheduleCommand, context: ChatContext): ChatReply {
  const { event, now, replyTo, traceparent } = context;
  const found = findRule(name, context);
  if (!found.ok) return saying(found.problem);
  const match = matchNamed(found.rule, event);
  if (!match.fires) {
    const { because } = match;
    return { ...saying(`\`${name}\` was not scheduled: ${because}.`), unmatched: [{ rule: name, because }] };
  }
  const time = toTime(at, now);
  if (time === undefined) return saying(`Nothing scheduled: expected ${TIME_EXPECTED}, came \`${at}\`.`);
  if (Date.parse(time) <= now.getTime()) {
    return saying(`Nothing scheduled: ${time} is past (it is ${now.toISOString()}).`);
  }
  const problem =
    optionProblem(found.rule, options) ?? (found.rule.action.kind === 'run' ? undefined : notARun(name));
  if (problem !== undefined) return saying(problem);
  const request = renderRule(found.rule, event, { now, replyTo, traceparent });
  const { runId } = request;
  if (request.action === 'reject') {
    return {
      text: `Rule \`${name}\` was refused (run \`${runId}\`): ${request.reason.message}`,
      requests: [request],
      matched: [{ rule: name, runId, rejected: request.reason.message }],
      unmatched: [],
    };
  }
  if (request.action !== 'run') return saying(notARun(name));
  const refusal = whyNotLater(request);
  if (refusal !== undefined) return saying(`\`${name}\` was not scheduled: ${refusal}.`);
  return {
    text: [
      `Rule \`${name}\` runs at ${time} (\`${runId}\`).`,
      ...(isGuarded(request) ? ['Its dedupe, cooldown, maxInFlight and timeout do not hold then.'] : []),
    ].join('\n'),
    requests: [later(request, time)],
    matched: [{ rule: name, runId }],
    unmatched: [],
  };
}

function notARun(name: string): string {
  return `Nothing scheduled: \`${name}\` has no \`run\` that could wait.`;
}

function whyNotLater({ workingDirectory, guards, instances }: RunAction): string | undefined {
  if (workingDirectory !== undefined) return 'a schedule takes no workingDirectory, and the rule has one';
  const most = guards.maxInstances;
  return most !== undefined && instances.length > most
    ? `it would run on ${instances.length} instances, and maxInstances is ${most}`
    : undefined;
}

function isGuarded({ guards, timeoutSeconds }: RunAction): boolean {
  const { dedupe, cooldownMs, maxInFlight } = guards;
  return [dedupe, cooldownMs, maxInFlight, timeoutSeconds].some((it) => it !== undefined);
}

function later(request: RunAction, at: string): RunRequest {
  const {
    timeoutSeconds: _timeout,
    workingDirectory: _directory,
    guards: _guards,
    onUnavailable: _unavailable,
    deadline: _deadline,
    ...rest
  } = request;
  return { ...rest, action: 'schedule', at };
}
