/** Plays a history on rules, in the order of time and on one memory of the guards, and counts what came of it. */
import type { DoorOutcome, Note } from '../../../lib/model/decision.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import type { Effect } from '../../../lib/simulation/effect.ts';
import type { Happening } from '../../../lib/simulation/happening.ts';
import { simulation } from '../../../lib/simulation/simulation.ts';
import { SPLITS } from '../../splits.ts';
import type { Request } from './history.ts';

/** The result of one event. */
export interface Replayed {
  from: string;
  at: Date;
  event: TriggerEvent;
  effects: readonly Effect[];
  /** Notes about it: `event.stale`. */
  notes: readonly Note[];
}

/** Of one rule, or of all. */
export interface Counts {
  /** Requests of rules that fired, rejected ones too. */
  matched: number;
  runs: number;
  /** One that had two runs is counted twice. */
  instances: number;
  /** Calls of InvokeCommand. */
  calls: number;
  scheduled: number;
  cancels: number;
  /** The runs that they stopped. */
  cancelled: number;
  /** How many each reason has stopped, by its code; `run.known` for the same delivery again. */
  stopped: Record<string, number>;
}

export interface Replay {
  events: Replayed[];
  /** Runs that schedules fired. */
  fired: Effect[];
  /** By the rule's name, in the order of the file; of rules that matched something. */
  rules: ReadonlyMap<string, Counts>;
  total: Counts;
}

export async function replay(
  ruleSet: RuleSet,
  requests: readonly Request[],
  takesMs: number,
): Promise<Replay> {
  const start = requests[0]?.at ?? new Date(0);
  const world = simulation({ ruleSet, providers: SPLITS, start });
  const asked: { request: Request; outcomes: readonly DoorOutcome[]; from: number; to: number }[] = [];
  for (const request of requests) {
    await world.advance(request.at);
    const from = world.happened.length;
    const outcomes = await world.deliver({ ...request, takesMs });
    asked.push({ request, outcomes, from, to: world.happened.length });
  }
  await world.settle();
  const ofEvents = new Set<Happening>();
  const events = asked.flatMap(({ request, outcomes, from, to }) => {
    const of = outcomes.map(({ event }) => event);
    const happenings = world.happened.slice(from, to);
    for (const happening of happenings) ofEvents.add(happening);
    return outcomes.map(({ event, notes = [] }, index) => ({
      from: request.from,
      at: request.at,
      event,
      notes,
      effects: effectsOf(happenings, event, of, index === 0),
    }));
  });
  const fired = world.happened.filter((it) => !ofEvents.has(it)).flatMap(({ effect }) => effect ?? []);
  const effects = world.happened.flatMap(({ effect }) => effect ?? []);
  const byRule = Map.groupBy(effects, ({ request }) => request.rule);
  return {
    events,
    fired,
    rules: new Map(
      ruleSet.rules.flatMap(({ name }) => {
        const own = byRule.get(name);
        return own === undefined ? [] : [[name, countsOf(own)] as const];
      }),
    ),
    total: countsOf(effects),
  };
}

/** A rejection that stands for several events of a request is shown at the first. */
function effectsOf(
  happenings: readonly Happening[],
  event: TriggerEvent,
  all: readonly TriggerEvent[],
  isFirst: boolean,
): Effect[] {
  const own = happenings.filter(
    ({ request: { trigger } }) =>
      trigger.id === event.id || (isFirst && !all.some(({ id }) => id === trigger.id)),
  );
  return own.flatMap(({ effect }) => effect ?? []);
}

function countsOf(effects: readonly Effect[]): Counts {
  const counts: Counts = {
    matched: effects.length,
    runs: 0,
    instances: 0,
    calls: 0,
    scheduled: 0,
    cancels: 0,
    cancelled: 0,
    stopped: {},
  };
  const stop = (code: string) => {
    counts.stopped[code] = (counts.stopped[code] ?? 0) + 1;
  };
  for (const effect of effects) {
    switch (effect.kind) {
      case 'ran':
        counts.runs += 1;
        counts.instances += effect.request.target.instances.length;
        counts.calls += effect.calls;
        break;
      case 'scheduled':
        counts.scheduled += 1;
        break;
      case 'cancelled':
        counts.cancels += 1;
        counts.cancelled += effect.stopped.length;
        break;
      case 'stopped':
        stop(effect.reason.code);
        break;
      case 'repeated':
        stop('run.known');
        break;
    }
  }
  return counts;
}
