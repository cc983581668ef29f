/**
 * The trigger event that every source produces: a CloudEvents 1.0 event whose `data` has the same fields for every source
 * of a kind, so that a rule still works after a change of the monitoring system.
 */
import * as z from 'zod';

export const EventKind = z.enum(['alert', 'deploy', 'chat', 'completion', 'generic']);
export type EventKind = z.infer<typeof EventKind>;

const Strings = z.record(z.string(), z.string());
/** The original payload: for `when` and for people; never logged. */
const raw = z.unknown().optional();

export const AlertData = z.strictObject({
  status: z.enum(['firing', 'resolved', 'acknowledged']),
  name: z.string(),
  severity: z.string().optional(),
  summary: z.string().optional(),
  labels: Strings,
  annotations: Strings,
  /** The same for every notification of one alert, also for its resolution. */
  fingerprint: z.string(),
  /** When this episode began: the same in all its notifications. Absent where the source does not tell. */
  startsAt: z.string().optional(),
  endsAt: z.string().optional(),
  url: z.string().optional(),
  raw,
});
export type AlertData = z.infer<typeof AlertData>;

export const DeployData = z.strictObject({
  action: z.string(),
  repository: z.string(),
  ref: z.string().optional(),
  sha: z.string().optional(),
  environment: z.string().optional(),
  status: z.string().optional(),
  /** The name of the account that caused it. */
  actor: z.string().optional(),
  /** Its id, where the source reports one: it stays when the name is changed. */
  actorId: z.string().optional(),
  url: z.string().optional(),
  raw,
});
export type DeployData = z.infer<typeof DeployData>;

const Named = z.strictObject({
  /** The platform's id, which cannot be changed; absent if it reports only a name. */
  id: z.string().optional(),
  /** The displayed name, which people can change: a login, a nick, a title. */
  name: z.string().optional(),
});

export const ChatData = z.strictObject({
  /** The command word as typed or configured: `/fleet`. */
  command: z.string(),
  /** The words after it that are not `key=value`. */
  args: z.array(z.string()),
  /** The `key=value` words. */
  options: Strings,
  text: z.string(),
  /** `groups`: ids, or the words of a fixed list of the platform. */
  user: Named.extend({ groups: z.array(z.string()).optional() }),
  channel: Named.optional(),
  /** The id of the person's workspace, guild, organisation or company. */
  tenant: z.string().optional(),
  /** True if the platform reports that the person belongs to another tenant than the app; absent otherwise. */
  isExternal: z.boolean().optional(),
  raw,
});
export type ChatData = z.infer<typeof ChatData>;

/** Our own completion event's `data`, so that rules can chain; its schema is lib/model/completion-event.ts. */
export const CompletionData = z.looseObject({
  runId: z.string(),
  rule: z.string(),
  provider: z.string().optional(),
  status: z.string(),
  raw,
});
export type CompletionData = z.infer<typeof CompletionData>;

export const GenericData = z.strictObject({ body: z.unknown(), raw });
export type GenericData = z.infer<typeof GenericData>;

/** The `data` schema of each kind: rules are type-checked against it, docs are generated from it. */
export const DATA_BY_KIND = {
  alert: AlertData,
  deploy: DeployData,
  chat: ChatData,
  completion: CompletionData,
  generic: GenericData,
} as const;

const envelope = {
  specversion: z.literal('1.0'),
  /** The source's own delivery id, the same when the source sends it again; the body's hash where none is proved. */
  id: z.string().min(1),
  /** The sender's unsigned delivery id: only for people, never to detect repetitions. */
  deliveryid: z.string().optional(),
  /** The source's name: `alertmanager`. */
  source: z.string().min(1),
  /** What it is about: an alert's name, a repository, a channel. */
  subject: z.string().optional(),
  /** When it happened, ISO 8601. */
  time: z.iso.datetime({ offset: true }),
  traceparent: z.string().optional(),
} as const;

/** `<kind>.<verb>`: `alert.firing`, `deploy.created`, `chat.command`. */
export const TriggerEvent = z.discriminatedUnion('kind', [
  z.strictObject({ ...envelope, kind: z.literal('alert'), type: z.string(), data: AlertData }),
  z.strictObject({ ...envelope, kind: z.literal('deploy'), type: z.string(), data: DeployData }),
  z.strictObject({ ...envelope, kind: z.literal('chat'), type: z.string(), data: ChatData }),
  z.strictObject({ ...envelope, kind: z.literal('completion'), type: z.string(), data: CompletionData }),
  z.strictObject({ ...envelope, kind: z.literal('generic'), type: z.string(), data: GenericData }),
]);
export type TriggerEvent = z.infer<typeof TriggerEvent>;
