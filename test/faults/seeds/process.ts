/** A process of a function: what it asks of others takes time, and when it is dead it hears of nothing any more. */
import type { Fault, Faults, Part } from './faults.ts';
import type { Simulation } from './simulation.ts';

export interface Process {
  name: string;
  /** By its own clock. */
  now(): Date;
  sleep(ms: number): Promise<void>;
  /**
   * One request to another part.
   * @param effect what the request does when it arrives; it is told which fault it is to have
   */
  ask<Result>(
    part: Part,
    label: string,
    effect: (fault: Fault | undefined) => Promise<Result>,
  ): Promise<Result>;
  kill(why: string): void;
  isDead(): boolean;
}

/** How long a request, and its answer, may be under way, in milliseconds. */
const LATENCY_MS: Readonly<Record<Part, readonly [number, number]>> = {
  table: [1, 12],
  queue: [2, 20],
  invoke: [20, 300],
  cloud: [20, 200],
};

export function startProcess(
  name: string,
  { sim, faults, skewMs }: { sim: Simulation; faults: Faults; skewMs: number },
): Process {
  let isDead = false;
  const never = new Promise<never>(() => {});
  const underWay = (part: Part): Promise<void> => {
    const [from, to] = LATENCY_MS[part];
    return sim.sleep(from + sim.random() * (to - from));
  };
  const kill = (why: string): void => {
    if (!isDead) sim.trace(`${name} dies: ${why}`);
    isDead = true;
  };
  return {
    name,
    now: () => new Date(Math.floor(sim.now()) + skewMs),
    async sleep(ms) {
      await sim.sleep(ms);
      if (isDead) await never;
    },
    async ask(part, label, effect) {
      if (isDead) return await never;
      const fault = faults.next(part);
      sim.trace(`${name} → ${label}${fault === undefined ? '' : ` [${fault.kind}]`}`);
      if (fault?.kind === 'diesBefore') {
        kill('before its request');
        return await never;
      }
      await underWay(part);
      const outcome = await sim.hold(async () => {
        const [settled] = await Promise.allSettled([effect(fault)]);
        return settled;
      });
      if (fault?.kind === 'diesAfter') kill('before it has its answer');
      await underWay(part);
      if (fault?.kind === 'slow') await sim.sleep(fault.ms);
      if (isDead) return await never;
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    },
    kill,
    isDead: () => isDead,
  };
}
