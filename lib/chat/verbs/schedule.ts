/** `schedule <rule> at <time>`: `run <rule>` at a later time. Its guards are checked now, and again at that time. */
import { whyNotAt } from '../../rules/instant.ts';
import { findRule, optionProblem } from '../named-rule.ts';
import { TIME_EXPECTED, toTime } from '../time.ts';
import { defineVerb } from '../verb.ts';

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
  async perform({ rule: name, at, options }, person) {
    const found = findRule(name, person.rules);
    if (!found.ok) return [found.problem];
    const attempt = person.attempt(found.rule);
    if (!attempt.fires) return [`\`${name}\` was not scheduled: ${attempt.because}.`];
    const time = toTime(at, person.now);
    if (time === undefined) return [`Nothing scheduled: expected ${TIME_EXPECTED}, came \`${at}\`.`];
    const wrongTime = whyNotAt(time, person.now);
    if (wrongTime !== undefined) return [`Nothing scheduled: ${wrongTime}.`];
    const problem =
      optionProblem(found.rule, options) ?? (found.rule.action.kind === 'run' ? undefined : notARun(name));
    if (problem !== undefined) return [problem];
    const { runId, rejected } = attempt.start(time);
    return rejected === undefined
      ? [
          `Rule \`${name}\` is asked to run at ${time} (\`${runId}\`). Its guards are asked now, and again at that time.`,
        ]
      : [`Rule \`${name}\` was refused (run \`${runId}\`): ${rejected}`];
  },
});

function notARun(name: string): string {
  return `Nothing scheduled: \`${name}\` has no \`run\` that could wait.`;
}
