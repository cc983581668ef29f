/** Rules as matching and rendering use them: compiled, checked, and pure data and functions. */
import type { ApprovalTerms } from '../model/approval.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import type { InvocationOptions } from '../model/invocation-options.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { Outputs } from '../model/reply-to.ts';
import type { FollowedEnd, FollowUp, OnUnavailable } from '../model/run-request.ts';
import type { ScheduleSettings } from '../model/schedule-settings.ts';
import type { TaggedFleet } from '../model/tagged-fleet.ts';
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import type { Waves } from '../model/waves.ts';
import type { FileWindows, OnFreeze, Windows } from '../model/window.ts';
import type { LinearPattern } from '../regex/linear-match.ts';
import type { SourceSettings } from '../sources/settings.ts';
import type { Source } from '../sources/source.ts';
import type { Condition } from './condition.ts';
import type { Expression } from './expression.ts';
import type { Fleet } from './fleet.ts';
import type { FleetChoice } from './fleet-choice.ts';
import type { Template } from './template.ts';

/** What rules have to know of a source. */
export type RuleSource = Pick<Source, 'name' | 'kinds' | 'settings' | 'facts'>;

export interface RuleSet {
  readonly fileName: string;
  /** In the order of the file; every one that matches fires. */
  readonly rules: readonly Rule[];
  /** Finds them without reading them all. Absent where they have just been loaded: then it is made when it is needed. */
  readonly index?: RuleIndex;
  /** Standing schedules, to be kept in step with the provider. */
  readonly schedules: readonly StandingSchedule[];
  /** The settings of every source that rules may be on, by name, parsed. */
  readonly sources: Readonly<Record<string, SourceSettings>>;
  readonly destinations: readonly DestinationRef[];
  readonly limits: Limits;
  /** Of the whole file; each rule has those that hold for it in its guards. */
  readonly windows: FileWindows;
  /** Warnings, each `file:line:column: …`. */
  readonly warnings: readonly string[];
}

/** Finds the rules that an event may fire (lib/rules/rule-index.ts). */
export interface RuleIndex {
  /** Every rule on the source, in the order of the file; read one after the other. */
  on(source: string): RulesOn;
  /** Those of them that may fire, in the order of the file: no other does. */
  candidates(event: TriggerEvent): Rule[];
}

export interface RulesOn extends Iterable<Rule> {
  readonly count: number;
}

export interface Limits {
  /** One delivered request starts at most so many runs. */
  readonly runsPerRequest: number;
  /** So many runs may lead to each other by their completion events before one more. */
  readonly chainDepth: number;
}

export interface Rule {
  readonly name: string;
  /** The names of sources. */
  readonly on: readonly string[];
  /** Absent: always. */
  readonly when?: Condition;
  /** Who may use it, for chat events. Absent: closed to everybody. */
  readonly allow?: Allow;
  /** The permitted tenants by source; for a source without an entry, all people but those its vendor marks as external. */
  readonly tenants: ReadonlyMap<string, readonly string[]>;
  /** Of what people type, only `run <name>` and `schedule <name>` fire it; other events only where it has a `when`. */
  readonly isByName: boolean;
  readonly action: Action;
  readonly notify: readonly DestinationRef[];
  /** Who sees in a chat what its command printed. */
  readonly outputs: Outputs;
  /** What its runs are followed by. */
  readonly followUps?: readonly FollowUpRule[];
  /**
   * The kinds of event that the expressions of this rule and of those that follow it are compiled for. Absent: those of its
   * sources.
   */
  readonly kinds?: readonly EventKind[];
}

/** A rule without sources: it runs after the runs of others. */
export interface FollowUpRule {
  readonly after: readonly FollowedEnd[];
  /** Where it runs on instances of the run that ended, in place of its own. */
  readonly instances?: 'touched' | 'failed' | undefined;
  readonly maxDepth: number;
  readonly rule: Pick<Rule, 'name' | 'notify' | 'outputs' | 'followUps'> & {
    readonly action: RunAction | ScheduleAction;
  };
}

/** Ids; a name is `name:…`, `*` is everybody, or any channel. */
export interface Allow {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** Empty: any. */
  readonly channels: readonly string[];
}

export type Action = RunAction | CancelAction | ScheduleAction;

/** A target before the event's values are in it. */
export interface TargetTemplate {
  /** Where it has one: no instance outside it is touched. */
  readonly fleet?: Fleet | undefined;
  /** In its place: the event says which. */
  readonly fleetChoice?: FleetChoice | undefined;
  readonly provider: ProviderName;
  /** Absent where the event chooses the fleet: that has one. */
  readonly region?: Template | undefined;
  readonly command: Template;
  /** Each gives one id or a list of them; none: the whole fleet, as it is when the run is rendered or sent. */
  readonly instances: readonly Template[];
  /** Whether the event decides where it runs; false where the file names every instance. */
  readonly isInstancesFromEvent: boolean;
  readonly parameters: readonly Parameter[];
  readonly username?: Template | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly workingDirectory?: Template | undefined;
  readonly options?: InvocationOptions | undefined;
}

export interface Parameter {
  readonly name: string;
  readonly template: Template;
  /** What the whole rendered value must match. */
  readonly pattern: LinearPattern;
  /** Its value is never shown. */
  readonly isSecret: boolean;
}

/** Command, target and options of a run. */
export interface Execution {
  readonly target: TargetTemplate;
  readonly onUnavailable: OnUnavailable;
  readonly deadlineMs: number;
  readonly guards: Guards;
  /** Absent: all instances at once. */
  readonly waves?: Waves | undefined;
  /** Absent: nobody is asked. */
  readonly approval?: ApprovalTerms | undefined;
}

export interface RunAction extends Execution {
  readonly kind: 'run';
}

export interface Guards {
  /** Absent: at any time. */
  readonly windows?: Windows | undefined;
  readonly freeze?: OnFreeze | undefined;
  readonly dedupe?: { readonly key: Expression; readonly windowMs: number };
  readonly times?: { readonly key: Expression; readonly count: number; readonly withinMs: number };
  readonly cooldownMs?: number;
  readonly cooldownKeep?: 'last';
  readonly maxInFlight?: number;
  readonly whenFull?: 'skip' | 'replace';
  /** An instance has one run at a time. Absent: `lock: false`. */
  readonly lock?: true;
  readonly maxInstances?: number;
  /** Of the run's fleet. */
  readonly maxShare?: { readonly percent: number };
  readonly breaker?: { readonly failures: number; readonly resetMs: number };
  readonly maxPerHour: { readonly runs: number; readonly instances?: number };
}

export interface CancelAction {
  readonly kind: 'cancel';
  readonly targetRule: string;
  readonly key?: Expression;
}

export interface ScheduleAction extends Execution {
  readonly kind: 'schedule';
  readonly timing: { readonly at: Template } | { readonly recurrence: Template };
}

/** Everything is known when the rules are loaded. */
export interface StandingSchedule {
  readonly name: string;
  readonly provider: ProviderName;
  readonly region: string;
  readonly command: string;
  /** Of a tagged fleet, those of it that are named; none: all that it has when it is synchronised. */
  readonly instances: readonly string[];
  readonly taggedFleet?: TaggedFleet | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly username?: string | undefined;
  readonly settings?: ScheduleSettings | undefined;
  readonly timing: { readonly at: string } | { readonly recurrence: string };
  readonly isEnabled: boolean;
  /** Absent: at any time. */
  readonly windows?: Windows | undefined;
  readonly notify: readonly DestinationRef[];
  /** What may run after a run of it: rendered when the rules are loaded, for there is no event. */
  readonly followUps?: readonly FollowUp[] | undefined;
}
