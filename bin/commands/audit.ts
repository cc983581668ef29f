/** `fleet-reflex audit`: who did what. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { describeActor } from '../../lib/model/actor.ts';
import { AuditAct, AuditEntry } from '../../lib/model/audit-entry.ts';
import { printable } from '../../lib/model/printable.ts';
import { present } from '../../lib/present.ts';
import { archived } from '../archive-reader.ts';
import { type Command, UsageError } from '../command.ts';
import { instantOf } from '../instant-option.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

/** An act of a newer version is shown too. */
const Entry = AuditEntry.extend({ act: z.string() }).loose();
type Entry = z.infer<typeof Entry>;
const Page = z.looseObject({ entries: z.array(Entry), cursor: z.string().optional() });

export const command: Command = {
  summary: 'who asked, approved, cancelled, froze, redrove; and when the rules changed',
  usage: `fleet-reflex audit [--since 30d] [--until time] [--by who] [--act act] [--archive bucket] [--json]

  --since  an instant (2026-11-20T10:00:00Z), or how long ago (default 30d)
  --until  the same (default now)
  --by     only what this person, account or token did, by id or name
  --act    ${AuditAct.options.join(', ')}
  --archive  the entries in this bucket (ARCHIVE_BUCKET) instead, with your own AWS credentials; runs are in it
             by themselves: fleet-reflex runs --archive
  --json   a line of JSON for each

Newest first. Runs are in it as long as the table has them (30 days), all else for AUDIT_DAYS.

${CONNECTION}`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        since: { type: 'string', default: '30d' },
        until: { type: 'string' },
        by: { type: 'string' },
        act: { type: 'string' },
        archive: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0)
      throw new UsageError(`Expected options alone, came ${positionals.join(' ')}.`);
    const now = new Date();
    const { since, until, by, act, archive, json } = values;
    const asked = {
      since: instantOf('--since', since, now),
      until: until && instantOf('--until', until, now),
      by,
      act,
    };
    let shown = 0;
    const entries =
      archive === undefined
        ? entriesOf(asked)
        : fromArchive(archive, { until: now.toISOString(), ...present(asked) });
    for await (const entry of entries) {
      shown += 1;
      console.log(json ? JSON.stringify(entry) : lineOf(entry));
    }
    if (shown === 0) console.error(`Nothing is on record since ${asked.since}.`);
    return 0;
  },
};

/** A page at a time, because a year does not fit into memory. */
async function* entriesOf(asked: Record<string, string | undefined>): AsyncGenerator<Entry> {
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '100' });
    for (const [name, value] of Object.entries({ ...asked, cursor })) {
      if (value !== undefined) query.set(name, value);
    }
    const page = Page.parse(await callRunsApi('GET', `/audit?${query}`));
    yield* page.entries;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function* fromArchive(
  bucket: string,
  { since = '', until, by, act }: Record<string, string> & { until: string },
): AsyncGenerator<Entry> {
  console.error(`From the archive ${bucket}. What is younger than a week is not in it: leave --archive out.`);
  for await (const line of archived({ bucket, kind: 'audit', since, until })) {
    const entry = Entry.parse(line);
    const isMeant =
      entry.at >= since &&
      entry.at < until &&
      (by === undefined || entry.actor?.id === by || entry.actor?.name === by) &&
      (act === undefined || entry.act === act);
    if (isMeant) yield entry;
  }
}

function lineOf({ at, act, actor, runId, rule, message }: Entry): string {
  return printable(
    [
      at.slice(0, 19).replace('T', ' '),
      act.padEnd(14),
      actor === undefined ? '-' : describeActor(actor),
      ...(runId === undefined ? [] : [runId]),
      ...(rule === undefined ? [] : [rule]),
      message,
    ].join('  '),
  );
}
