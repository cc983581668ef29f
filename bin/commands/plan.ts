/** `fleet-reflex plan`: the stored script of a rule with its parameters filled in, on which machines, and under which guards. */
import { parseArgs } from 'node:util';
import { FleetReflexError } from '../../lib/errors.ts';
import { planLines } from '../../lib/model/approval-view.ts';
import { planOf } from '../../lib/model/describe-approval.ts';
import { printable } from '../../lib/model/printable.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { shownParameters } from '../../lib/model/secret-parameters.ts';
import type { TriggerEvent } from '../../lib/model/trigger-event.ts';
import { providerOf } from '../../lib/providers/provider.ts';
import { unknownName } from '../../lib/rules/did-you-mean.ts';
import { formatDuration } from '../../lib/rules/duration.ts';
import { renderRule } from '../../lib/rules/render.ts';
import type { Rule, RuleSet } from '../../lib/rules/rule.ts';
import { stepsOfEvent } from '../../lib/rules/steps.ts';
import { scriptLines } from '../approval-lines.ts';
import { type Command, UsageError } from '../command.ts';
import { guardsText } from './rules/guards-text.ts';
import { readRules } from './rules/read.ts';
import { readEvents } from './rules/read-events.ts';
import { membersOf, withClouds } from './rules/rehearse.ts';

export const command: Command = {
  summary: 'show what a rule would run: the script, its values, the machines',
  usage: `fleet-reflex plan <rule> [key=value …] [--rules file] [--json]
fleet-reflex plan <rule> --event <event.json> [--source name] [--rules file] [--json]

Shows the stored script as the cloud has it now, with the parameters filled in (secret ones as •••), each wave with its
machines, the guards, and who has to approve. Nothing is run. The key=value words are the options of a chat command; for a
rule on another source, give an event as \`rules test\` takes it. Exit code 1 when the rule would not run.

It reads the stored command from the cloud, with its credentials in the environment (docs/configuration.md); for the local
stack:
  TENCENT_ENDPOINT=http://127.0.0.1:4580 TENCENTCLOUD_SECRET_ID=local TENCENTCLOUD_SECRET_KEY=local-secret
  ALIBABA_ENDPOINT=http://127.0.0.1:4581 ALIBABA_CLOUD_ACCESS_KEY_ID=local
  ALIBABA_CLOUD_ACCESS_KEY_SECRET=local-secret`,
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        event: { type: 'string' },
        source: { type: 'string' },
        rules: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [name, ...words] = positionals;
    if (name === undefined) throw new UsageError('Which rule? `fleet-reflex rules check` lists them.');
    if (values.event !== undefined && words.length > 0) {
      throw new UsageError('Either --event or key=value words: an event has its own values.');
    }
    const ruleSet = await readRules(values.rules ?? process.env['RULES_FILE'] ?? 'rules.yml');
    const rule = ruleSet.rules.find((one) => one.name === name);
    if (rule === undefined) {
      const known = ruleSet.rules.map((one) => one.name);
      throw new FleetReflexError(
        'rule.unknown',
        `There is no such rule. ${unknownName('rule', name, known)}`,
      );
    }
    const now = new Date();
    const events =
      values.event === undefined
        ? [chatEvent(rule, optionsOf(words), ruleSet, now)]
        : await eventsOf(values.event, values.source, ruleSet, now);
    const planned = await withClouds(
      async (providers) =>
        await Promise.all(
          events.map(async (event) => {
            const why = whyNot(rule, event);
            if (why !== undefined) return { kind: 'none' as const, lines: [`does not fire: ${why}`] };
            return await planOfRequest(renderRule(rule, event, { now }), providers);
          }),
        ),
    );
    if (values.json === true)
      console.log(
        JSON.stringify(
          planned.map(({ lines: _, ...rest }) => rest),
          undefined,
          2,
        ),
      );
    else
      for (const { lines } of planned)
        console.log([`${rule.name}`, ...lines.map((line) => `  ${line}`)].join('\n'));
    return planned.every(({ kind }) => kind === 'plan') ? 0 : 1;
  },
};

type Providers = Parameters<Parameters<typeof withClouds>[0]>[0];

function optionsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new UsageError(`Expected key=value after the rule, came \`${word}\`.`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The command `run <rule> key=value …`, of nobody: who may is not asked here. */
function chatEvent(
  rule: Rule,
  options: Record<string, string>,
  { sources }: RuleSet,
  now: Date,
): TriggerEvent {
  const [source = ''] = rule.on;
  const command = sources[source]?.['command'];
  const text = ['run', rule.name, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)];
  return {
    specversion: '1.0',
    id: 'plan',
    source,
    time: now.toISOString(),
    kind: 'chat',
    type: 'chat.command',
    data: {
      command: typeof command === 'string' ? command : '/fleet',
      args: ['run', rule.name],
      options,
      text: text.join(' '),
      user: {},
      raw: undefined,
    },
  };
}

async function eventsOf(file: string, source: string | undefined, ruleSet: RuleSet, now: Date) {
  const read = await readEvents(file, source, ruleSet.sources, now);
  if (read.kind === 'events') return read.events;
  throw new FleetReflexError('event.ignored', `The source ignores the event: ${read.because}.`);
}

function whyNot({ on, when }: Rule, event: TriggerEvent): string | undefined {
  if (!on.includes(event.source))
    return `the rule is on ${on.join(', ')}, and the event is of ${event.source}`;
  const steps = stepsOfEvent();
  return when === undefined || when.holds(event, steps)
    ? undefined
    : when.whyNot(event, stepsOfEvent()).because;
}

async function planOfRequest(request: RunRequest, providers: Providers) {
  if (request.action === 'reject') {
    const { code, message } = request.reason;
    return { kind: 'rejected' as const, code, message, lines: [`REJECTED  ${code}: ${printable(message)}`] };
  }
  if (request.action !== 'run' && request.action !== 'schedule') {
    return { kind: 'none' as const, lines: ['it cancels runs, and runs nothing'] };
  }
  const members = await membersOf(request, providers);
  if (members.kind !== 'members') {
    const { code, message } = members.reason;
    return { kind: 'missing' as const, lines: [`${code}: ${printable(message)}`] };
  }
  const target = { ...request.target, instances: [...members.instances] };
  const { waves, guards, approval } =
    request.action === 'run' ? request : (request.execution ?? { guards: {} });
  const shown = { ...target, parameters: shownParameters(target) };
  const stored = await providerOf(providers, target.provider).storedCommand(shown);
  const where = `${target.command} of ${target.provider} in ${target.region}`;
  if (stored === undefined) {
    return { kind: 'missing' as const, lines: [`${where}: there is no such stored command`] };
  }
  const run = { target, ...(waves && { waves: { ...waves, withinMs: 1, begun: 1 } }) };
  const plan = planOf(run, { script: stored.script, settings: stored.settings });
  const who = approval && [
    ...(approval.users.length > 0 ? approval.users : []),
    'a token with the scope approve',
  ];
  return {
    kind: 'plan' as const,
    ...{ command: target.command, provider: target.provider, region: target.region },
    ...{ plan, guards, approval },
    lines: [
      where,
      ...planLines(plan).map((line) => printable(line.replaceAll('`', ''))),
      `Guards: ${guardsText(guards)}`,
      ...(who === undefined || approval === undefined
        ? []
        : [`Approval: by ${who.join(' or ')}, within ${formatDuration(approval.expiresMs)}`]),
      ...scriptLines(stored.script),
    ],
  };
}
