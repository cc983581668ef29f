/**
 * The approval of a run: who may give it, what it was asked for, and what was said. Plain data; lib/runs/approval/ asks
 * and decides.
 */
import * as z from 'zod';
import { Actor } from './actor.ts';

/** What the rule says of it. Whoever asked for the run is never among those who may. */
export const ApprovalTerms = z.strictObject({
  /** As in `allow`. Empty: only tokens of the API. */
  users: z.array(z.string()),
  /** Where they may say it, and where it is asked. Empty: anywhere. */
  channels: z.array(z.string()),
  /** Sources, of whose people the ids are. Absent: of any chat. */
  chats: z.array(z.string()).optional(),
  expiresMs: z.int().positive(),
});
export type ApprovalTerms = z.infer<typeof ApprovalTerms>;

/** What is approved, by name: a hash of each part, so that a change can be named. */
export const Seal = z.record(z.string(), z.string());
export type Seal = z.infer<typeof Seal>;

export const AskedApproval = z.strictObject({
  /** ISO 8601. */
  at: z.string(),
  /** Nobody can approve it from then on. */
  until: z.string(),
  /** How long after its approval it may be sent: the rule's deadline. */
  withinMs: z.int().positive(),
  seal: Seal,
  /** The stored script with its values filled in, without secrets; its beginning, where it is long. */
  script: z.string(),
  /** How long the script is, where that is only its beginning. */
  scriptLength: z.int().optional(),
  /** What the cloud says of the stored command: user, directory, time-out. */
  settings: z.record(z.string(), z.string()),
});
export type AskedApproval = z.infer<typeof AskedApproval>;

export const ApprovalVerdict = z.strictObject({
  kind: z.enum(['approved', 'denied', 'expired']),
  at: z.string(),
  /** Absent where its time was over. */
  by: Actor.optional(),
  /** What who denied it said. */
  why: z.string().optional(),
});
export type ApprovalVerdict = z.infer<typeof ApprovalVerdict>;

export const RunApproval = ApprovalTerms.extend({
  asked: AskedApproval.optional(),
  /** It is stored before anything follows from it, and never changed. */
  verdict: ApprovalVerdict.optional(),
});
export type RunApproval = z.infer<typeof RunApproval>;

interface Approvable {
  approval?: RunApproval | undefined;
}

/** Whether it may be sent as far as approval goes: it needs none, or has it. */
export function isApproved({ approval }: Approvable): boolean {
  return approval === undefined || approval.verdict?.kind === 'approved';
}

/** Whether somebody was asked, and nothing was said yet. */
export function awaitsVerdict({ approval }: Approvable): boolean {
  return approval?.asked !== undefined && approval.verdict === undefined;
}
