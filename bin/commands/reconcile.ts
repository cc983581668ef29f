/** `fleet-reflex reconcile`: proves that clouds, runs, events and locks agree, and repairs what it may. */
import { parseArgs } from 'node:util';
import { printable } from '../../lib/model/printable.ts';
import { parseDuration } from '../../lib/rules/duration.ts';
import { type Command, UsageError } from '../command.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';
import { type Finding, type Seen, sweepAll } from './reconcile/sweep-all.ts';

export const command: Command = {
  summary: 'prove that clouds, runs, events and locks agree, and repair what may be',
  usage: `fleet-reflex reconcile [--since <24h>] [--dry-run] [--json]

It looks whether each ended run's events are out, each live run is watched and on time, each lock of an instance has a
run, and each invocation at the clouds that carries our mark is known to its run. It repairs by waking the poller and by
unlocking, and prints the rest with what to do. It never sends a command.

  --since <24h>   the window: runs and invocations since then (default 24h, at most 30d)
  --dry-run       prints what it would repair, and repairs nothing
  --json          one JSON object a line: each finding, then what was seen

Exit code 1 when something is left that a person must see. Needs a token with the scope operate.

${CONNECTION}`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { since: { type: 'string' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
    });
    const sinceMs = parseDuration(values.since ?? '24h');
    if (sinceMs === undefined || sinceMs > MAX_SINCE_MS)
      throw new UsageError(`--since ${values.since}: expected a duration up to 30d, like 6h.`);
    const isJson = values.json === true;
    const findings: Finding[] = [];
    const progress = progressEvery(PROGRESS_MS);
    const seen = await sweepAll({
      ask: (step) => callRunsApi('POST', '/reconcile', step),
      since: new Date(Date.now() - sinceMs),
      isDryRun: values['dry-run'] === true,
      onFinding(finding) {
        findings.push(finding);
        console.log(isJson ? JSON.stringify(finding) : linesOf(finding));
      },
      onProgress: progress,
    });
    console.log(isJson ? JSON.stringify({ seen, counts: countsOf(findings) }) : summary(seen, findings));
    return findings.some(({ state }) => state === 'person' || state === 'repairable') ? 1 : 0;
  },
};

const MAX_SINCE_MS = 30 * 86_400_000;
const PROGRESS_MS = 2_000;

const WORDS: Readonly<Record<Finding['state'], string>> = {
  repaired: 'repaired',
  repairable: 'would be repaired',
  person: 'look at it',
  unclaimed: 'not ours or unknown',
};

function linesOf({ code, where, message, advice, state }: Finding): string {
  return printable(`${code}  ${where}  (${WORDS[state]})`) + printableLines([message, advice]);
}

function printableLines(lines: readonly string[]): string {
  return lines.map((line) => `\n    ${printable(line)}`).join('');
}

function countsOf(findings: readonly Finding[]): Partial<Record<Finding['state'], number>> {
  return Object.fromEntries(
    [...Map.groupBy(findings, ({ state }) => state)].map(([state, some]) => [state, some.length]),
  );
}

function summary({ runs, locks, invocations }: Seen, findings: readonly Finding[]): string {
  const seen = `${runs} runs, ${locks} locks and ${invocations} invocations looked at`;
  if (findings.length === 0) return `${seen}: all as it should be.`;
  const counts = Object.entries(countsOf(findings)).map(([state, count]) => {
    const known = Object.entries(WORDS).find(([name]) => name === state);
    return `${count} ${known?.[1] ?? state}`;
  });
  return `${seen}: ${counts.join(', ')}.`;
}

/** On the error stream, so that lines can be piped on. */
function progressEvery(ms: number): (seen: Seen) => void {
  let nextMs = Date.now() + ms;
  return ({ runs, locks, invocations }) => {
    if (Date.now() < nextMs) return;
    nextMs = Date.now() + ms;
    console.error(`… ${runs} runs, ${locks} locks, ${invocations} invocations looked at`);
  };
}
