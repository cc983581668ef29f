/**
 * `fleet-reflex simulate`: many events on the rules and their guards, without running anything; with `--against`, what
 * another rules file does differently.
 */
import { parseArgs } from 'node:util';
import { environment } from '../../lib/config.ts';
import { parseDuration } from '../../lib/rules/duration.ts';
import { type Command, UsageError } from '../command.ts';
import { count } from '../effect-line.ts';
import { readRules } from './rules/read.ts';
import { type History, readHistory } from './simulate/history.ts';
import { type Replay, replay } from './simulate/replay.ts';
import { differences, headerOf, linesOf, summaryOf, textOf, unknownIn } from './simulate/report.ts';

const TAKES = '30s';

export const command: Command = {
  summary: 'what many events would start, and what a change of the rules would change',
  usage: `fleet-reflex simulate <file or folder …> [--rules file] [--against file] [--source name] [--takes 30s]
                      [--summary] [--json]

Says for each event what the rules would start and which guard would stop it, in the order of time, and sums it up: runs,
instances, calls of InvokeCommand. Nothing is run, and nothing is touched.

  --rules    the rules to try (default rules.yml, or what RULES_FILE names)
  --against  the rules as they are now: only differences are shown, and the exit code is 1 when there is one
  --source   who sent the events, where their files are not named after it (alertmanager.json, github.push.json)
  --takes    how long runs take: until then they are in flight (default ${TAKES})
  --summary  only the sums
  --json     for programs

A folder stands for its .json and .jsonl files. A .json file is one request, at the time of its event. A .jsonl file has
events as the service recorded them: fleet-reflex events --since 30d --json > history.jsonl (docs/testing-rules.md)`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rules: { type: 'string' },
        against: { type: 'string' },
        source: { type: 'string' },
        takes: { type: 'string', default: TAKES },
        summary: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new UsageError('Which events? Name files or folders.');
    const takesMs = parseDuration(values.takes);
    if (takesMs === undefined) throw new UsageError(`--takes ${values.takes}: expected a duration like 30s.`);
    const rules = await readRules(values.rules ?? environment['RULES_FILE'] ?? 'rules.yml');
    const current = values.against === undefined ? undefined : await readRules(values.against);
    const history = await readHistory(positionals, values.source, rules, new Date());
    for (const problem of history.problems) console.error(problem);
    const after = await replay(rules, history.requests, takesMs);
    const before = current && (await replay(current, history.requests, takesMs));
    const changes = before === undefined ? [] : changesOf(before, after);
    const shown = before === undefined ? blocksOf(after) : changes;
    if (values.json) console.log(JSON.stringify(jsonOf(after, before, changes), undefined, 2));
    else {
      if (!values.summary) for (const line of shown.flat()) console.log(line);
      for (const line of endOf(after, before, changes, history)) console.log(line);
    }
    return history.problems.length > 0 || changes.length > 0 ? 1 : 0;
  },
};

/** The lines of each event. */
function blocksOf({ events, fired }: Replay): string[][] {
  const blocks = events.map((event) => {
    const lines = linesOf(event);
    return [headerOf(event), ...(lines.length === 0 ? ['· nothing'] : lines).map((line) => `  ${line}`)];
  });
  return fired.length === 0
    ? blocks
    : [
        ...blocks,
        ['schedules, at their times', ...linesOf({ effects: fired, notes: [] }).map((line) => `  ${line}`)],
      ];
}

/** Of each event that is handled differently. */
function changesOf(before: Replay, after: Replay): string[][] {
  return after.events.flatMap((event, index) => {
    const lines = differences(before.events[index]?.effects ?? [], event.effects);
    return lines.length === 0 ? [] : [[headerOf(event), ...lines.map((line) => `  ${line}`)]];
  });
}

function endOf(
  after: Replay,
  before: Replay | undefined,
  changes: readonly string[][],
  { files, problems, withoutEvent }: History,
): string[] {
  const unread = [
    ...unknownIn(after),
    ...(problems.length === 0 ? [] : [`${count(problems.length, 'event')} could not be read.`]),
    ...(withoutEvent === 0
      ? []
      : [`${count(withoutEvent, 'record')} without the event, and left out (docs/testing-rules.md).`]),
  ];
  if (before === undefined) return ['', ...summaryOf(after), ...unread];
  const handled = `${changes.length === 0 ? 'no event' : count(changes.length, 'event')} would be handled differently`;
  return [
    '',
    `${count(files, 'file')}, ${count(after.events.length, 'event')}; ${handled}.`,
    `now   ${textOf(before.total)}`,
    `then  ${textOf(after.total)}`,
    ...unread,
  ];
}

function jsonOf({ events, rules, total }: Replay, before: Replay | undefined, changes: readonly string[][]) {
  return {
    events: events.map(({ from, at, event: { source, type, id, subject }, ...of }) => ({
      from,
      at,
      event: { source, type, id, subject },
      effects: linesOf(of),
    })),
    rules: Object.fromEntries(rules),
    total,
    ...(before && { before: { rules: Object.fromEntries(before.rules), total: before.total }, changes }),
  };
}
