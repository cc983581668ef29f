/** `run <rule> [key=value …]`: exactly the rule of that name, when it lets itself be run by its name. */
import { matchNamed } from '../../rules/match.ts';
import { renderRule } from '../../rules/render.ts';
import { stepsOfEvent } from '../../rules/steps.ts';
import { findRule, optionProblem } from '../named-rule.ts';
import { type ChatContext, type ChatReply, defineVerb, saying } from '../verb.ts';

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
  perform: async (command, context) => runNamed(command, context),
});

function runNamed({ rule: name, options }: RunCommand, context: ChatContext): ChatReply {
  const { event, rules, now, replyTo, traceparent } = context;
  const found = findRule(name, rules);
  if (!found.ok) return saying(found.problem);
  const steps = stepsOfEvent();
  const match = matchNamed(found.rule, event, steps);
  if (!match.fires) {
    const { because } = match;
    return { ...saying(`\`${name}\` did not start: ${because}.`), unmatched: [{ rule: name, because }] };
  }
  const problem = optionProblem(found.rule, options);
  if (problem !== undefined) return saying(problem);
  const request = renderRule(found.rule, event, { now, replyTo, traceparent, steps });
  const { runId } = request;
  return request.action === 'reject'
    ? {
        text: `Rule \`${name}\` was refused (run \`${runId}\`): ${request.reason.message}`,
        requests: [request],
        matched: [{ rule: name, runId, rejected: request.reason.message }],
        unmatched: [],
      }
    : {
        text: `Rule \`${name}\` started run \`${runId}\`.`,
        requests: [request],
        matched: [{ rule: name, runId }],
        unmatched: [],
      };
}
