/**
 * The archive: a day's runs, records and audit, written as they are to a bucket before the table lets them go. Each step
 * writes one object under a name that is made of what is in it, and then moves a cursor in the table. A process that dies
 * between the two writes the same object again (docs/decisions/2026-11-21-archive.md).
 */
import { gzipSync } from 'node:zlib';
import type { Log } from '../logging.ts';
import { after } from '../model/after.ts';
import { isAwaitingSchedule } from '../model/run.ts';
import type { ArchiveCursor, ArchivePage, ArchiveSource } from '../store/archive-source.ts';
import type { RunStore } from '../store/run-store.ts';
import { RETENTION_DAYS } from '../store/table.ts';
import { describeRun } from './run-view.ts';

/** Where objects go. */
export interface ArchiveBucket {
  /** Durable when it resolves. */
  put(name: string, body: Uint8Array): Promise<void>;
}

export interface ArchiveContext {
  source: ArchiveSource;
  bucket: ArchiveBucket;
  store: Pick<RunStore, 'getMany' | 'outputs'>;
  log: Log;
  now: () => Date;
}

const DAY_MS = 86_400_000;
/** By then every run that was asked for on the day has ended. */
const AGE_DAYS = 7;
/** In one call: some seconds. A day of a quiet deployment takes nine. */
const MAX_STEPS = 20;

/** @returns whether there is more to do now */
export async function archive(context: ArchiveContext): Promise<boolean> {
  const { source, log, now } = context;
  const newest = dayOf(after(now(), -AGE_DAYS * DAY_MS));
  let cursor = (await source.cursor()) ?? beginning(now());
  for (let step = 0; step < MAX_STEPS; step += 1) {
    if (cursor.day > newest) return false;
    const page = await source.page(cursor);
    if (page !== undefined && page.items.length > 0) await write(cursor, page, context);
    const next = following(cursor, page);
    if (!(await source.advance(next))) return true;
    if (next.day !== cursor.day) log.info('archive.day', { day: cursor.day });
    cursor = next;
  }
  return true;
}

/** The oldest day that the table still has. */
function beginning(now: Date): ArchiveCursor {
  return { day: dayOf(after(now, -(RETENTION_DAYS - 1) * DAY_MS)), part: 0, page: 0, revision: 0 };
}

function following(
  { day, part, page, revision }: ArchiveCursor,
  read: ArchivePage | undefined,
): ArchiveCursor {
  const counted = { revision: revision + 1 };
  if (read === undefined) {
    const tomorrow = dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS));
    return { ...counted, day: tomorrow, part: 0, page: 0 };
  }
  if (read.last === undefined) return { ...counted, day, part: part + 1, page: 0 };
  return { ...counted, day, part, page: page + 1, after: read.last };
}

async function write(
  { day, page }: ArchiveCursor,
  { kind, shard, items }: ArchivePage,
  context: ArchiveContext,
): Promise<void> {
  const lines =
    kind === 'runs' ? await runsOf(items, context) : items.map((item) => item['entry'] ?? item['event']);
  if (lines.length === 0) return;
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const name = `${kind}/${day.replaceAll('-', '/')}/${shard}-${String(page).padStart(5, '0')}.jsonl.gz`;
  await context.bucket.put(name, gzipSync(text));
}

/** As the API shows them, with their outputs and without their secrets. One that waits is listed again when it is sent. */
async function runsOf(items: ArchivePage['items'], { store }: ArchiveContext): Promise<unknown[]> {
  const runIds = items.map(({ runId }) => String(runId));
  const runs = new Map((await store.getMany(runIds)).map((run) => [run.runId, run]));
  const ended = runIds.flatMap((runId) => runs.get(runId) ?? []).filter((run) => !isAwaitingSchedule(run));
  return await Promise.all(ended.map(async (run) => describeRun(await store.outputs(run))));
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}
