/**
 * `fleet-reflex simulate`: many events on the rules, without running anything; with `--against`, only what another
 * rules file would have done differently.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environment } from '../../lib/config.ts';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { ancestorSearch } from '../../lib/model/find-ancestors.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { shownRequest } from '../../lib/model/secret-parameters.ts';
import type { TriggerEvent } from '../../lib/model/trigger-event.ts';
import { askRules } from '../../lib/rules/ask-rules.ts';
import type { RuleSet } from '../../lib/rules/rule.ts';
import { stepsOfRequest } from '../../lib/rules/steps.ts';
import { limitRequest } from '../../lib/runs/limit-request.ts';
import { type Command, UsageError } from '../command.ts';
import { readRules } from './rules/read.ts';
import { readEvents } from './rules/read-events.ts';

export const command: Command = {
  summary: 'what many events would start, and what a change of the rules would change',
  usage: `fleet-reflex simulate <file or folder …> [--rules file] [--against file] [--source name]

Says for each event what the rules would start. Nothing is run.

  --rules    the rules to try (default rules.yml, or what RULES_FILE names)
  --against  the rules as they are now: only differences are shown, and the exit code is 1 when there is one
  --source   who sent the events, where their files are not named after it (alertmanager.json, github.push.json)

A folder stands for its .json files. Keep the events that your team had in one, and see what a change would have done.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { rules: { type: 'string' }, against: { type: 'string' }, source: { type: 'string' } },
    });
    if (positionals.length === 0) throw new UsageError('Which events? Name files or folders.');
    const files = (await Promise.all(positionals.map(filesIn))).flat();
    const now = new Date();
    const rules = await readRules(values.rules ?? environment['RULES_FILE'] ?? 'rules.yml');
    const before = values.against === undefined ? undefined : await readRules(values.against);
    let unread = 0;
    let changed = 0;
    let started = 0;
    const perRule = new Map<string, number>();
    for (const file of files) {
      const events = await eventsOf(file, values.source, rules, now);
      if (events === undefined) unread += 1;
      const afters = outcomesOf(events ?? [], rules, now);
      const befores = before === undefined ? [] : outcomesOf(events ?? [], before, now);
      for (const [index, { event, lines: after, runs }] of afters.entries()) {
        started += after.size;
        for (const rule of runs) perRule.set(rule, (perRule.get(rule) ?? 0) + 1);
        const lines =
          before === undefined
            ? [...after.values()].map(({ shown }) => shown)
            : differences(befores[index]?.lines ?? new Map(), after);
        if (before !== undefined && lines.length === 0) continue;
        changed += 1;
        console.log(
          `${file}: ${event.type} of ${event.source}${event.subject ? `, about ${event.subject}` : ''}`,
        );
        for (const line of lines.length === 0 ? ['· nothing'] : lines) console.log(`  ${line}`);
      }
    }
    for (const line of hourlyLines(rules, perRule)) console.log(line);
    const readWell = `${files.length - unread} of ${files.length} files`;
    if (before === undefined) console.log(`\n${readWell}; ${started} runs would be asked for.`);
    else
      console.log(
        `\n${readWell}; ${changed === 0 ? 'no event' : `${changed} events`} would be handled differently.`,
      );
    return unread > 0 || (before !== undefined && changed > 0) ? 1 : 0;
  },
};

async function filesIn(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FleetReflexError('event.missing', `There is no file or folder ${path}.`, { cause });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => join(path, name));
}

/** Undefined for a file that is no event; the others are simulated all the same. */
async function eventsOf(
  file: string,
  source: string | undefined,
  rules: RuleSet,
  now: Date,
): Promise<readonly TriggerEvent[] | undefined> {
  try {
    const read = await readEvents(file, source, rules.sources, now);
    return read.kind === 'events' ? read.events : [];
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError || thrown instanceof UsageError)) throw thrown;
    console.error(`${file}: ${messageOf(thrown)}`);
    return undefined;
  }
}

interface Line {
  /** For a terminal, without the values of secret parameters. */
  shown: string;
  /** With them: two that differ in nothing else are two. */
  asked: string;
}

interface Outcome {
  event: TriggerEvent;
  /** What each rule that fires asks for, by the rule's name. */
  lines: Map<string, Line>;
  /** The rules of which a run would be sent. */
  runs: string[];
}

/** Of all events of one file, which were one delivered request. */
function outcomesOf(events: readonly TriggerEvent[], rules: RuleSet, now: Date): Outcome[] {
  const ancestorsOf = ancestorSearch();
  const steps = stepsOfRequest();
  const asked = events.map(
    (event) => askRules(rules, event, { now, ancestorsOf, steps: steps.ofEvent() }).requests,
  );
  const sentFor = limitRequest(asked.flat(), rules.limits.runsPerRequest);
  return events.map((event, index) => {
    const requests = (asked[index] ?? []).map((request) => sentFor.get(request.runId) ?? request);
    return {
      event,
      lines: new Map(requests.map((request) => [request.rule, toLine(request)])),
      runs: requests.flatMap(({ action, rule }) => (action === 'run' ? [rule] : [])),
    };
  });
}

/** What no event alone shows: how many runs of a rule these would be, should they come within an hour. */
function hourlyLines({ rules }: RuleSet, perRule: ReadonlyMap<string, number>): string[] {
  return rules.flatMap(({ name, action }) => {
    const asked = perRule.get(name) ?? 0;
    if (action.kind !== 'run' || asked <= action.guards.maxPerHour.runs) return [];
    return [
      `! ${name}: ${asked} runs; were they asked for within an hour, ${action.guards.maxPerHour.runs} would start (guards.maxPerHour)`,
    ];
  });
}

function toLine(request: RunRequest): Line {
  return {
    shown: `✓ ${request.rule}: ${lineOf(shownRequest(request))}`,
    asked: lineOf(request),
  };
}

function lineOf(request: RunRequest): string {
  switch (request.action) {
    case 'reject':
      return `REJECTED, ${request.reason.code}: ${request.reason.message}`;
    case 'cancel':
      return `cancel ${request.targetRule ?? ''}${request.key === undefined ? '' : `, key ${request.key}`}`;
    case 'run':
    case 'schedule': {
      const parameters = Object.entries(request.parameters).map(
        ([name, value]) => `${name}=${JSON.stringify(value)}`,
      );
      const when = request.action === 'schedule' ? ` at ${request.at ?? request.recurrence}` : '';
      return `${request.action} ${request.command} on ${request.instances.join(', ')}${when}${parameters.length > 0 ? ` with ${parameters.join(' ')}` : ''}`;
    }
  }
}

function differences(before: ReadonlyMap<string, Line>, after: ReadonlyMap<string, Line>): string[] {
  const rules = new Set([...before.keys(), ...after.keys()]);
  return [...rules].flatMap((rule) => {
    const was = before.get(rule);
    const is = after.get(rule);
    if (was?.asked === is?.asked) return [];
    return [
      ...(was === undefined ? [] : [`- ${was.shown.slice(2)}`]),
      ...(is === undefined ? [] : [`+ ${is.shown.slice(2)}`]),
    ];
  });
}
