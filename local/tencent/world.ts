/** The context of every action. One for each server. */
import type { Clock } from '../../lib/providers/clock.ts';
import type { FleetEngine } from '../fleet/engine.ts';
import type { Faults } from './faults.ts';
import type { Command, Records } from './records.ts';
import type { Scheduler } from './scheduler.ts';
import { TatError } from './tat-error.ts';

export interface World {
  engine: FleetEngine;
  records: Records;
  faults: Faults;
  scheduler: Scheduler;
  clock: Clock;
  /** Aborted when the server stops: nothing may wait or start after that. */
  stopped: AbortSignal;
  /** How many commands an account may keep. */
  commandQuota: number;
  /** `http://127.0.0.1:4580`. */
  address: () => string;
  /** Which COS buckets there are; undefined: every well-formed one. */
  cosBuckets: readonly string[] | undefined;
}

/** Where a request comes from, as far as an action has to know. */
export interface Call {
  region: string;
  /** How long the invocation of this request is not listed (a fault; otherwise 0). */
  lateVisibilityMs: number;
}

export function now(world: World): Date {
  return new Date(world.clock.epochMs());
}

/** The form of every time in an answer: `2020-11-05T07:49:58+00:00`, as in the documents' samples. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}+00:00`;
}

/** @throws TatError `ResourceNotFound.CommandNotFound` */
export function findCommand(world: World, id: string, region: string): Command {
  const command = world.records.commands.get(id);
  if (command?.isSaved && (command.region ?? region) === region) return command;
  throw new TatError(
    'ResourceNotFound.CommandNotFound',
    `The command \`${id}\` does not exist in ${region}.`,
  );
}
