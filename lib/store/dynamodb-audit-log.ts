/** The audit on the table of records. Listed together with the runs, which say themselves who asked for them. */
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { AuditEntry, auditEntry } from '../model/audit-entry.ts';
import { RunSummary } from '../model/run-summary.ts';
import type { AuditLog } from './audit-log.ts';
import { listByDay } from './by-day.ts';
import { runsWhere } from './runs-where.ts';
import { AUDIT_DAYS, auditDayKey, condition, expiresAt, key, RETENTION_DAYS, RUN_DAYS } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

export interface DynamoAuditLogOptions {
  client: DynamoDBDocumentClient;
  recordsTable: string;
  /** The table of the runs. Absent: they are not listed. */
  table?: string;
  /** How long entries are kept. */
  days: number;
  /** Default: the clock of this machine. */
  now?: () => Date;
}

const Stored = z.looseObject({ entry: AuditEntry });
const Listed = z.looseObject({ summary: RunSummary });

export function dynamoAuditLog(options: DynamoAuditLogOptions): AuditLog {
  const { client, recordsTable, table, days, now = () => new Date() } = options;
  return {
    add: (entry) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: recordsTable,
            Item: {
              ...key.audit(entry.id),
              ...auditDayKey(entry.at, entry.id),
              entry,
              expiresAt: expiresAt(new Date(entry.at), days),
            },
            ConditionExpression: condition.isNew,
          }),
        ),
      ),

    async list({ by, act, ...page }) {
      const ofRuns = runsWhere({ by }).flatMap(({ anyOf }) => anyOf);
      const { items, ...next } = await listByDay({
        ...page,
        client,
        indexes: [
          { table: recordsTable, ...AUDIT_DAYS },
          ...(table === undefined ? [] : [{ table, ...RUN_DAYS, days: RETENTION_DAYS }]),
        ],
        now: now(),
        days,
        read: (item) => readEntry(item).filter((entry) => act === undefined || entry.act === act),
        ...(by !== undefined && {
          where: [
            {
              anyOf: [...['id', 'name'].map((field) => ['entry', 'actor', field]), ...ofRuns],
              value: by,
            },
          ],
        }),
      });
      return { entries: items, ...next };
    },
  };
}

/** None for what another version wrote. */
function readEntry(item: Record<string, unknown>): readonly AuditEntry[] {
  const stored = Stored.safeParse(item);
  if (stored.success) return [stored.data.entry];
  const listed = Listed.safeParse(item);
  return listed.success ? [entryOfRun(listed.data.summary)] : [];
}

/** A run, one that resumed another, or the cancel of a rule or a chat, as an entry. */
function entryOfRun(run: RunSummary): AuditEntry {
  const { runId, rule, requestedAt, trigger, cancel, resumes, status } = run;
  if (resumes !== undefined) {
    return auditEntry({
      id: `run.resumed/${resumes.runId}`,
      at: new Date(requestedAt).toISOString(),
      act: 'run.resumed',
      actor: resumes.by,
      runId: resumes.runId,
      rule,
      message: `The run was resumed as ${runId} on ${run.instances.length} instances; that one is ${status}.`,
    });
  }
  const { source, type, id, actor, startedBy } = trigger;
  const act = cancel === undefined ? 'run.asked' : 'run.cancelled';
  const stopped = cancel?.stopped ?? [];
  return auditEntry({
    id: `${act}/${runId}`,
    at: new Date(requestedAt).toISOString(),
    act,
    actor: actor ?? startedBy,
    runId: cancel?.targetRunId ?? runId,
    rule,
    message:
      cancel === undefined
        ? `The event ${type} of ${source} asked for it (${id}); it is ${status}.`
        : `The event ${type} of ${source} asked to cancel it (${id}); stopped: ${stopped.join(', ') || 'none'}.`,
  });
}
