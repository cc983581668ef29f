/**
 * A circuit for each provider and region: when its cloud fails several calls in a row, nothing is sent there for some
 * seconds, and then one run tries. Each process counts in memory; an item in the table, read and written only where a call
 * has failed or the circuit is open, lets the others know. So a region that answers costs nothing.
 * docs/decisions/2026-11-21-circuit.md
 */
import { messageOf } from '../errors.ts';
import type { Log } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import type { Reason } from '../model/completion-event.ts';
import type { ProviderEvent } from '../model/provider-event.ts';
import type { RunId } from '../model/run-request.ts';
import type { Target } from '../model/target.ts';
import type { ProviderFailure } from '../providers/provider.ts';
import type { Cell, Cells } from '../store/cell.ts';
import {
  afterAnswer,
  afterFailure,
  asTold,
  Circuit,
  CLOSED,
  type OpenCircuit,
  wantsCall,
} from './circuit-state.ts';
import { providerEvent } from './provider-event.ts';

/** A provider's region. */
export type Place = Pick<Target, 'provider' | 'region'>;

/** Nothing may be sent there now. */
export interface Away {
  retryAfterMs: number;
  reason: Reason;
}

export interface Circuits {
  /** As far as this process knows, without a read. */
  away(place: Place): Away | undefined;
  /** Asks for a call: undefined, or why not now. Of an open circuit one run at a time gets leave. */
  enter(place: Place, runId: RunId): Promise<Away | undefined>;
  /** What became of a call: a failure of the cloud itself, or undefined. Never throws. */
  note(place: Place, runId: RunId, failure: ProviderFailure | undefined): Promise<void>;
}

export interface CircuitOptions {
  cells: Cells;
  /** So many failures in a row open it; 0: never. */
  failures: number;
  stage: string;
  /** Sends the event to where it is read. */
  tell: (event: ProviderEvent) => Promise<void>;
  metrics: Metrics;
  log: Log;
  now: () => Date;
}

/** A run that waits for another's try looks again after this. */
const LOOK_AGAIN_MS = 3_000;
/** Between two data points of an open circuit from one process. */
const METRIC_EVERY_MS = 30_000;

/** What a process knows of one. */
interface Known {
  failures: number;
  open?: OpenCircuit | undefined;
  /** Until then nothing new is expected in the table, epoch milliseconds. */
  heldUntilMs: number;
  measuredAtMs: number;
}

/** For a provider and region that nobody watches: every call is made. */
export const ALWAYS_CLOSED: Circuits = {
  away: () => undefined,
  enter: async () => undefined,
  note: async () => {},
};

export function circuitsOf(options: CircuitOptions): Circuits {
  const { cells, failures: most, stage, tell, metrics, log, now } = options;
  if (most === 0) return ALWAYS_CLOSED;
  const all = new Map<string, Known>();

  const knownOf = (place: Place): Known => {
    const name = nameOf(place);
    const known = all.get(name) ?? { failures: 0, heldUntilMs: 0, measuredAtMs: -Infinity };
    all.set(name, known);
    return known;
  };

  const learn = (known: Known, open: OpenCircuit | undefined): void => {
    known.open = open;
    if (open === undefined) return;
    const tryAtMs = Date.parse(open.tryAt);
    known.heldUntilMs =
      open.triedBy === undefined ? tryAtMs : Math.min(tryAtMs, now().getTime() + LOOK_AGAIN_MS);
  };

  /** Revises the item, and remembers what it is then. */
  const revise = async <Answer>(
    place: Place,
    edit: (known: Circuit) => { state: Circuit; answer: Answer },
  ): Promise<Answer> => {
    let state: Circuit = CLOSED;
    const answer = await cells.revise(cellOf(place), (known) => {
      const next = edit(known);
      state = next.state;
      return next;
    });
    learn(knownOf(place), state.open);
    return answer;
  };

  const measureOpen = (place: Place): void => {
    const known = knownOf(place);
    const nowMs = now().getTime();
    if (nowMs < known.measuredAtMs + METRIC_EVERY_MS) return;
    known.measuredAtMs = nowMs;
    metrics.add('CircuitOpen', 1, place);
  };

  /** @returns whether it is out */
  const say = async (
    verb: ProviderEvent['data']['status'],
    place: Place,
    open: OpenCircuit,
  ): Promise<boolean> => {
    try {
      await tell(providerEvent(verb, place, open, stage, now()));
      return true;
    } catch (thrown) {
      log.error('circuit.untold', { ...place, status: verb, error: messageOf(thrown) });
      return false;
    }
  };

  /** Also for another process that died before it could. */
  const sayOpen = async (place: Place): Promise<void> => {
    const { open } = knownOf(place);
    if (open === undefined || open.isTold) return;
    if (await say('unavailable', place, open)) await revise(place, (known) => asTold(known, open.since));
  };

  const afterFailed = async (place: Place, runId: RunId, failure: ProviderFailure): Promise<void> => {
    const known = knownOf(place);
    known.failures += 1;
    metrics.add('ProviderErrors', 1, place);
    const { failures } = known;
    const { code, message } = failure;
    const at = now();
    const change = await revise(place, (state) =>
      afterFailure(state, { runId, failures, most, code, message, now: at }),
    );
    const { open } = known;
    if (open === undefined) return;
    if (change === 'opened') {
      log.error('circuit.opened', { ...place, failures, code, error: message, tryAt: open.tryAt });
    }
    measureOpen(place);
    await sayOpen(place);
  };

  const afterAnswered = async (place: Place): Promise<void> => {
    const known = knownOf(place);
    known.failures = 0;
    const { open } = known;
    if (open === undefined) return;
    // Told first: of a circuit that is closed nobody reads the item any more.
    await sayOpen(place);
    await say('available', place, open);
    await revise(place, (state) => afterAnswer(state, open.since));
    if (known.open !== undefined) return;
    log.warn('circuit.closed', { ...place, since: open.since });
    known.measuredAtMs = -Infinity;
    metrics.add('CircuitOpen', 0, place);
  };

  return {
    away(place) {
      const known = all.get(nameOf(place));
      if (known?.open === undefined || now().getTime() >= known.heldUntilMs) return undefined;
      measureOpen(place);
      return awayBecause(place, known.open, known.heldUntilMs - now().getTime());
    },

    async enter(place, runId) {
      const known = all.get(nameOf(place));
      if (known?.open === undefined) return undefined;
      if (now().getTime() < known.heldUntilMs && known.open.triedBy !== runId)
        return awayBecause(place, known.open, known.heldUntilMs - now().getTime());
      const at = now();
      const isAllowed = await revise(place, (state) => wantsCall(state, runId, at));
      if (isAllowed || known.open === undefined) return undefined;
      measureOpen(place);
      return awayBecause(place, known.open, Math.max(1, known.heldUntilMs - now().getTime()));
    },

    async note(place, runId, failure) {
      try {
        if (failure === undefined) await afterAnswered(place);
        else await afterFailed(place, runId, failure);
      } catch (thrown) {
        // The run does not depend on it: the next call says the same.
        log.warn('circuit.unnoted', { ...place, error: messageOf(thrown) });
      }
    },
  };
}

function nameOf({ provider, region }: Place): string {
  return `${provider}#${region}`;
}

function cellOf(place: Place): Cell<Circuit> {
  return { guard: 'circuit', of: nameOf(place), schema: Circuit, empty: CLOSED };
}

function awayBecause({ provider, region }: Place, open: OpenCircuit, retryAfterMs: number): Away {
  const { since, code, message, failures, tries, tryAt, triedBy } = open;
  const calls = tries === 0 ? '' : `, and ${tries === 1 ? 'a try' : `${tries} tries`} since`;
  const next = triedBy === undefined ? `One run tries it at ${tryAt}.` : `The run ${triedBy} tries it now.`;
  return {
    retryAfterMs,
    reason: {
      code: 'provider.circuit-open',
      message: `${provider} does not answer in ${region}: ${failures} calls in a row failed at ${since}${calls}, the last with ${code} (${message}). ${next}`,
      advice: `It waits for the cloud, up to its deadline. Look at the status page of ${provider}, and whether its endpoint can be reached from the functions.`,
    },
  };
}
