/** `run <rule> [key=value …]`: exactly the rule of that name, if it sets `byName: true`. */
import { findRule, optionProblem } from '../named-rule.ts';
import { defineVerb } from '../verb.ts';

export interface RunCommand {
  verb: 'run';
  rule: string;
  options: Readonly<Record<string, string>>;
}

export const run = defineVerb<RunCommand>({
  name: 'run',
  usage: 'run <rule> [key=value …]',
  summary: 'runs a rule now',
  parse({ args, options }) {
    const [rule, surplus] = args;
    if (rule === undefined) return { ok: false, problem: 'expected the name of a rule' };
    if (surplus !== undefined)
      return { ok: false, problem: `expected key=value after the rule, came \`${surplus}\`` };
    return { ok: true, command: { verb: 'run', rule, options } };
  },
  async perform({ rule: name, options }, person) {
    const found = findRule(name, person.rules);
    if (!found.ok) return [found.problem];
    const attempt = person.attempt(found.rule);
    if (!attempt.fires) return [`\`${name}\` did not start: ${attempt.because}.`];
    const problem = optionProblem(found.rule, options);
    if (problem !== undefined) return [problem];
    const { runId, rejected } = attempt.start();
    return rejected === undefined
      ? [`Rule \`${name}\` started run \`${runId}\`.`]
      : [`Rule \`${name}\` was refused (run \`${runId}\`): ${rejected}`];
  },
});
