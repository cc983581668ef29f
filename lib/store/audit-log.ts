/** The port to the audit: entries are added, and never changed. */
import type { AuditAct, AuditEntry } from '../model/audit-entry.ts';

export interface AuditPage {
  entries: AuditEntry[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

export interface AuditListing {
  limit: number;
  cursor?: string | undefined;
  /** ISO 8601: from then on … */
  since?: string | undefined;
  /** … and before then. */
  until?: string | undefined;
  /** The id or the name of who did it. */
  by?: string | undefined;
  act?: AuditAct | undefined;
}

/**
 * The audit.
 * @example
 * await audit.add(auditEntry({
 *   id: `run.approved/${runId}`, at: now.toISOString(), act: 'run.approved',
 *   actor: tokenActor('approver'), runId, rule, message: 'The run was approved.',
 * }));
 */
export interface AuditLog {
  /** Durable when it resolves; @returns false if an entry of this id is there already: it stays as it is */
  add(entry: AuditEntry): Promise<boolean>;
  /** With the runs of that time: who or what asked for each. Newest first. @throws FleetReflexError `runs.cursor` */
  list(options: AuditListing): Promise<AuditPage>;
}
