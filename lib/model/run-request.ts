/**
 * A message of the `runs` queue: one rule's rendered action for one trigger event. It contains everything that dispatch
 * needs, so that dispatch reads no rules and a change of rules never changes a queued request.
 */
import * as z from 'zod';
import { Actor } from './actor.ts';
import { ApprovalTerms } from './approval.ts';
import { Chain, MAX_ANCESTORS } from './chain.ts';
import { DestinationRef } from './destination-ref.ts';
import { Episode } from './episode.ts';
import { Outputs, ReplyTo } from './reply-to.ts';
import { TaggedFleet } from './tagged-fleet.ts';
import { RefusedTarget, Target } from './target.ts';
import { Waves } from './waves.ts';
import { OnFreeze, Windows } from './window.ts';

/** `run-` and 26 characters, derived from the rule's name and the event's source and id (lib/model/run-id.ts). */
export const RunId = z.string().regex(/^run-[a-z2-7]{26}$/);
export type RunId = z.infer<typeof RunId>;

/** The event that asked for it, without its data. */
export const Trigger = z.strictObject({
  source: z.string(),
  type: z.string(),
  id: z.string(),
  subject: z.string().optional(),
  /** Who caused it. Of a chained run whose event is no act of an account: who started the chain. */
  actor: Actor.optional(),
  /** Who started the chain, where the event is an act of another account. */
  startedBy: Actor.optional(),
  /** Of an alert whose source tells its episodes apart. */
  episode: Episode.optional(),
  /** ISO 8601, by the sender's clock: of the end of an alert whose beginning its source does not tell. */
  endsAt: z.iso.datetime().optional(),
});
export type Trigger = z.infer<typeof Trigger>;

/** The guards of the rule, rendered: a key is text by now, a duration milliseconds. */
export const RenderedGuards = z.strictObject({
  windows: Windows.optional(),
  freeze: OnFreeze.optional(),
  dedupe: z.strictObject({ key: z.string(), windowMs: z.int().positive() }).optional(),
  times: z
    .strictObject({ key: z.string(), count: z.int().positive(), withinMs: z.int().positive() })
    .optional(),
  cooldownMs: z.int().positive().optional(),
  /** The latest of what comes within the cooldown is sent at its end. Absent: all of it is refused. */
  cooldownKeep: z.literal('last').optional(),
  maxInFlight: z.int().positive().optional(),
  /** What becomes of a run above `maxInFlight`. Absent: it waits. */
  whenFull: z.enum(['skip', 'replace']).optional(),
  /** Whether an instance has one run at a time. Absent: no, as in requests of versions that did not lock by default. */
  lock: z.boolean().optional(),
  maxInstances: z.int().positive().optional(),
  maxPerHour: z
    .strictObject({ runs: z.int().positive(), instances: z.int().positive().optional() })
    .optional(),
  /** Of the fleet, which had so many instances when the rule matched, or when the cloud was asked for them. */
  maxShare: z
    .strictObject({
      fleet: z.string(),
      percent: z.int().min(1).max(100),
      /** Absent as long as the cloud was not asked. */
      size: z.int().positive().optional(),
    })
    .optional(),
  breaker: z.strictObject({ failures: z.int().positive(), resetMs: z.int().positive() }).optional(),
});
export type RenderedGuards = z.infer<typeof RenderedGuards>;

/** What to do about instances that cannot take a command now (stopped, agent offline). */
export const OnUnavailable = z.enum(['fail', 'retry', 'skip']);
export type OnUnavailable = z.infer<typeof OnUnavailable>;

/** How a run may have ended that another one follows: by then something may have been sent. */
export const FollowedEnd = z.enum([
  'succeeded',
  'failed',
  'partly_failed',
  'timed_out',
  'stopped',
  'partly_stopped',
  'unknown',
]);
export type FollowedEnd = z.infer<typeof FollowedEnd>;

/** A run and how it ended. */
const Ended = z.strictObject({ runId: RunId, rule: z.string(), status: FollowedEnd });

/** The run whose end a run follows (`onFailure`, `onSuccess`). */
export const Followed = Ended.extend({
  /** The first run of this line that did not succeed: whatever follows it, the whole has failed. */
  failed: Ended.optional(),
});
export type Followed = z.infer<typeof Followed>;

/** Of a run on what is left of one that ended in the middle. */
export const Resumes = z.strictObject({
  runId: RunId,
  /** Who asked for that. */
  by: Actor,
  /** The runs that it resumed in turn, oldest first. */
  earlier: z.array(RunId).max(MAX_ANCESTORS).optional(),
});
export type Resumes = z.infer<typeof Resumes>;

const Named = z.strictObject({ id: z.string().optional(), name: z.string().optional() });

const common = {
  runId: RunId,
  rule: z.string(),
  trigger: Trigger,
  /** Where the event came from a run of ours. */
  chain: Chain.optional(),
  /** Of a run that follows another by `onFailure` or `onSuccess`; its trigger is that of the first. */
  after: Followed.optional(),
  /** Where the completion events go, resolved from the rules' names, so that dispatch and poller read no rules. */
  notify: z.array(DestinationRef),
  replyTo: ReplyTo.optional(),
  traceparent: z.string().optional(),
  /** ISO 8601: when the event was received, or its message first sent. */
  requestedAt: z.iso.datetime(),
  /** ISO 8601: when a person typed it, if the chat signs that. */
  saidAt: z.iso.datetime().optional(),
};

const asked = {
  ...common,
  version: z.literal(2),
  /** `instances`: of a tagged fleet, those of it that are asked for; none means all that it has. */
  target: Target,
  /** Where the cloud says which instances there are. */
  taggedFleet: TaggedFleet.optional(),
  /** The patterns of these parameters; the others have the default pattern (lib/runs/check-request.ts). */
  patterns: z.record(z.string(), z.string().max(1000)).optional(),
};

/** How it is executed, apart from command and target. */
const execution = {
  guards: RenderedGuards,
  onUnavailable: OnUnavailable,
  /** Absent: all instances at once. */
  waves: Waves.optional(),
  /** Absent: nobody is asked. */
  approval: ApprovalTerms.optional(),
};

/**
 * What runs after a run has ended so: rendered with its event, when its rule matched. Only what nobody could know then, the
 * times and the instances that were reached, is filled in at the end.
 */
export const FollowUp = z.strictObject({
  rule: z.string(),
  after: z.array(FollowedEnd).min(1),
  /** Of the run that ended; absent: those of `asks`. */
  instances: z.enum(['touched', 'failed']).optional(),
  notify: z.array(DestinationRef),
  /** As its rule says. Absent: `caller`. */
  outputs: Outputs.optional(),
  /** `limits.chainDepth` of the rules. */
  maxDepth: z.int().nonnegative(),
  asks: z.discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('run'),
      /** With `instances`, those that it may be run on at all. */
      target: Target,
      taggedFleet: asked.taggedFleet,
      patterns: asked.patterns,
      ...execution,
      deadlineMs: z.int().positive(),
      /** How long after the end. Absent: at once. */
      delayMs: z.int().positive().optional(),
    }),
    /** Its rendering was refused: that is told when it would have run. */
    z.strictObject({
      action: z.literal('reject'),
      target: RefusedTarget.optional(),
      reason: z.strictObject({ code: z.string(), message: z.string() }),
    }),
  ]),
  get followUps(): z.ZodOptional<z.ZodArray<typeof FollowUp>> {
    return z.array(FollowUp).optional();
  },
});
export type FollowUp = z.infer<typeof FollowUp>;

const followUps = z.array(FollowUp).optional();

/** Version 1 had the fields of the target beside the others: `upgradeRunRequest` (lib/model/upgrade.ts) reads it. */
export const RunRequest = z.discriminatedUnion('action', [
  z.strictObject({
    ...asked,
    ...execution,
    action: z.literal('run'),
    followUps,
    resumes: Resumes.optional(),
    /** ISO 8601: dispatch gives up retrying after this. */
    deadline: z.iso.datetime(),
  }),
  z.strictObject({
    ...common,
    /** It has no target, and so the form that it had in version 1. */
    version: z.literal(1),
    action: z.literal('cancel'),
    /** Cancel the live runs of this rule whose dedupe key is `key` (absent: all its live runs) … */
    targetRule: z.string().optional(),
    key: z.string().optional(),
    /** … or exactly this run. */
    targetRunId: RunId.optional(),
    /** … on these of its instances alone. Default: all of it. */
    instances: z.array(z.string().min(1)).min(1).optional(),
    /** Who asked, for the record: `slack/U2CERLKJA (roadrunner)`. Default: the trigger and the rule. */
    by: z.string().optional(),
  }),
  z.strictObject({
    ...asked,
    action: z.literal('schedule'),
    followUps,
    /** A one-off instant, ISO 8601 … */
    at: z.iso.datetime({ offset: true }).optional(),
    /** … or again and again, in the provider's own words. */
    recurrence: z.string().optional(),
    /**
     * How we execute each of its runs. Absent in requests of earlier versions: the provider fires those, without guards.
     */
    execution: z.strictObject({ ...execution, deadlineMs: z.int().positive() }).optional(),
  }),
  /** What a person in a chat says of a run that waits for approval. Who that is: the trigger's `actor`. */
  z.strictObject({
    ...common,
    version: z.literal(1),
    action: z.literal('judge'),
    targetRunId: RunId,
    kind: z.enum(['approved', 'denied']),
    why: z.string().max(500).optional(),
    person: z.strictObject({ chat: z.string(), user: Named, channel: Named.optional() }),
  }),
  /** A rule matched, and its run was refused before any guard: recorded and reported, never sent. */
  z.strictObject({
    ...common,
    version: z.literal(2),
    action: z.literal('reject'),
    target: RefusedTarget.optional(),
    reason: z.strictObject({ code: z.string(), message: z.string() }),
  }),
]);
export type RunRequest = z.infer<typeof RunRequest>;
