/** `fleet-reflex runs`: what has run, what is running, who asked for it, and what came of it. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { present } from '../../lib/present.ts';
import { archived } from '../archive-reader.ts';
import { type Command, UsageError } from '../command.ts';
import { instantOf } from '../instant-option.ts';
import { lineOf, linesOf, RunDetail, RunSummary } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Page = z.looseObject({ runs: z.array(RunSummary), cursor: z.string().optional() });
type Page = z.infer<typeof Page>;

const PAGE = 100;

export const command: Command = {
  summary: 'list runs, or show one with its output',
  usage: `fleet-reflex runs [--since 7d] [--until time] [--by who] [--rule name] [--status status]
                  [--scheduled] [--limit n] [--archive bucket] [--json]
fleet-reflex runs <run id> [--json]

  --since      an instant (2026-11-20T10:00:00Z), or how long ago: all runs since then
  --until      the same (default now)
  --by         only those of this person, account or token, by id or name; also what they cancelled
  --rule       only those of this rule
  --status     only those with this status: failed, running, rejected …
  --scheduled  only those that wait for their time, soonest first, however long ago they were asked for
  --limit      so many at most (default 20; with --since all of that time)
  --archive    those in this bucket (ARCHIVE_BUCKET) instead, with your own AWS credentials: runs are there from a
               week after their day, and for years; it needs --since
  --json       as the API has them

${CONNECTION}`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        since: { type: 'string' },
        until: { type: 'string' },
        by: { type: 'string' },
        rule: { type: 'string' },
        status: { type: 'string' },
        scheduled: { type: 'boolean' },
        limit: { type: 'string' },
        archive: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [runId, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('One run id, or none.');
    if (runId !== undefined) return await showOne(runId, values.json === true);
    const { since, until, by, rule, status, scheduled, limit, archive } = values;
    const now = new Date();
    const asked = {
      since: since && instantOf('--since', since, now),
      until: until && instantOf('--until', until, now),
      by,
      rule,
      status: scheduled === true ? 'scheduled' : status,
    };
    const most = limitOf(limit, since !== undefined);
    const page =
      archive === undefined
        ? await collect(asked, most)
        : { runs: await fromArchive(archive, { until: now.toISOString(), ...present(asked) }, most) };
    if (values.json === true) console.log(JSON.stringify(page, undefined, 2));
    else printPage(page);
    return 0;
  },
};

async function showOne(runId: string, isJson: boolean): Promise<number> {
  const answer = await callRunsApi('GET', `/runs/${encodeURIComponent(runId)}`);
  console.log(isJson ? JSON.stringify(answer, undefined, 2) : linesOf(RunDetail.parse(answer)).join('\n'));
  return 0;
}

function limitOf(text: string | undefined, isPeriod: boolean): number {
  if (text === undefined) return isPeriod ? Number.POSITIVE_INFINITY : 20;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new UsageError(`--limit ${text}: expected a number from 1.`);
}

/** Page after page, for a page may have few of many. */
async function collect(asked: Record<string, string | undefined>, limit: number): Promise<Page> {
  const runs: RunSummary[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, limit - runs.length)) });
    for (const [name, value] of Object.entries({ ...asked, cursor })) {
      if (value !== undefined) query.set(name, value);
    }
    const page = Page.parse(await callRunsApi('GET', `/runs?${query}`));
    runs.push(...page.runs);
    cursor = page.cursor;
  } while (cursor !== undefined && runs.length < limit);
  return { runs, ...(cursor !== undefined && { cursor }) };
}

/** Filtered here: the archive is a file for each hundred runs. */
async function fromArchive(
  bucket: string,
  { since, until, by, rule, status }: Record<string, string> & { until: string },
  limit: number,
): Promise<RunSummary[]> {
  if (since === undefined) throw new UsageError('--archive: since when? It is read day by day: --since 90d.');
  console.error(`From the archive ${bucket}. What is younger than a week is not in it: leave --archive out.`);
  const runs: RunSummary[] = [];
  for await (const line of archived({ bucket, kind: 'runs', since, until })) {
    const run = RunSummary.parse(line);
    const { actor, startedBy } = run.trigger;
    const who = [actor?.id, actor?.name, startedBy?.id, startedBy?.name, run.cancelledBy];
    const isMeant =
      run.requestedAt >= since &&
      run.requestedAt < until &&
      (by === undefined || who.includes(by)) &&
      (rule === undefined || run.rule === rule) &&
      (status === undefined || run.status === status);
    if (isMeant) runs.push(run);
    if (runs.length >= limit) break;
  }
  return runs.toSorted((a, b) => (a.requestedAt > b.requestedAt ? -1 : 1));
}

function printPage({ runs, cursor }: Page): void {
  if (runs.length === 0) console.log('No run.');
  for (const run of runs) console.log(lineOf(run));
  if (cursor !== undefined) console.log('There are older ones: --limit and --since show more.');
}
