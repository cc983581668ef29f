/** The port to the locks of instances: who may work on an instance now, whatever rule it is of. */
import type { RunId } from '../model/run-request.ts';

/** What one run wants for itself. */
export interface Locking {
  runId: RunId;
  provider: string;
  region: string;
  instances: readonly string[];
}

/** An instance that another run has. */
export interface HeldLock {
  instanceId: string;
  runId: RunId;
  until: Date;
}

export interface InstanceLocks {
  /**
   * Takes all of them or none. A run that has some of them already keeps them if it gets the others.
   * @param until after that they are free, whatever became of the run
   * @returns those that others have; empty: all are taken
   */
  lockInstances(locking: Locking, until: Date, now: Date): Promise<HeldLock[]>;
  /** All locks of a region, also those that have run out. */
  heldLocks(provider: string, region: string): Promise<HeldLock[]>;
  /** Gives back those that are the run's. Safe to call again. */
  unlockInstances(locking: Locking): Promise<void>;
}
