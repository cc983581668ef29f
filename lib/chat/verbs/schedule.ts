/** `schedule <rule> at <time>`: what `run <rule>` would run, later. Its guards are asked now, and again at its time. */
import { whyNotAt } from '../../rules/instant.ts';
import { matchNamed } from '../../rules/match.ts';
import { renderRule } from '../../rules/render.ts';
import { stepsOfEvent } from '../../rules/steps.ts';
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

function scheduleNamed({ rule: name, at, options }: ScheduleCommand, context: ChatContext): ChatReply {
  const { event, rules, now, replyTo, traceparent } = context;
  const found = findRule(name, rules);
  if (!found.ok) return saying(found.problem);
  const steps = stepsOfEvent();
  const match = matchNamed(found.rule, event, steps);
  if (!match.fires) {
    const { because } = match;
    return { ...saying(`\`${name}\` was not scheduled: ${because}.`), unmatched: [{ rule: name, because }] };
  }
  const time = toTime(at, now);
  if (time === undefined) return saying(`Nothing scheduled: expected ${TIME_EXPECTED}, came \`${at}\`.`);
  const wrongTime = whyNotAt(time, now);
  if (wrongTime !== undefined) return saying(`Nothing scheduled: ${wrongTime}.`);
  const problem =
    optionProblem(found.rule, options) ?? (found.rule.action.kind === 'run' ? undefined : notARun(name));
  if (problem !== undefined) return saying(problem);
  const request = renderRule(found.rule, event, { now, replyTo, traceparent, steps, at: time });
  const { runId } = request;
  if (request.action === 'reject') {
    return {
      text: `Rule \`${name}\` was refused (run \`${runId}\`): ${request.reason.message}`,
      requests: [request],
      matched: [{ rule: name, runId, rejected: request.reason.message }],
      unmatched: [],
    };
  }
  return {
    text: `Rule \`${name}\` is asked to run at ${time} (\`${runId}\`). Its guards are asked now, and again at that time.`,
    requests: [request],
    matched: [{ rule: name, runId }],
    unmatched: [],
  };
}

function notARun(name: string): string {
  return `Nothing scheduled: \`${name}\` has no \`run\` that could wait.`;
}
