/**
 * The audit: who or what did something that is not a run. A run has its cause itself (`trigger`), and so has a cancel by a
 * rule or in a chat, which is stored like a run; both are listed with the entries, and cost no write
 * (docs/decisions/2026-11-21-audit.md).
 */
import * as z from 'zod';
import { Actor } from './actor.ts';

export const AuditAct = z.enum([
  'run.asked',
  'run.approved',
  'run.denied',
  'run.cancelled',
  'run.resumed',
  'freeze.set',
  'freeze.lifted',
  'queue.redriven',
  'rules.changed',
]);
export type AuditAct = z.infer<typeof AuditAct>;

const MAX_TEXT = 1000;

export const AuditEntry = z.strictObject({
  version: z.literal(1),
  /** The same act told again has the same id: `run.approved/run-…`. */
  id: z.string().min(1).max(400),
  /** ISO 8601. */
  at: z.iso.datetime(),
  act: AuditAct,
  /** Absent for a system: an alert, a timer, a deployment of the rules. */
  actor: Actor.optional(),
  runId: z.string().optional(),
  rule: z.string().optional(),
  /** What was done, for people. */
  message: z.string().max(MAX_TEXT + 1),
  /** Facts for programs. */
  details: z.record(z.string(), z.string().max(MAX_TEXT + 1)).optional(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** An entry whose texts fit: what people give as a reason may be long. */
export function auditEntry({ message, details, ...entry }: Omit<AuditEntry, 'version'>): AuditEntry {
  return {
    version: 1,
    ...entry,
    message: cut(message),
    ...(details && {
      details: Object.fromEntries(Object.entries(details).map(([name, text]) => [name, cut(text)])),
    }),
  };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}
