/** The fleet file while the stack runs: an instance that is written into it, or taken out, is there or gone in a moment. */
import { unwatchFile, watchFile } from 'node:fs';
import { messageOf } from '../../lib/errors.ts';
import type { FleetEngine } from './engine.ts';
import { loadFleet } from './fleet-file.ts';

/** Editors replace files, and some file systems tell of no change: it is looked at. */
const LOOK_MS = 250;

/**
 * Takes the instances of the file whenever it changes; commands are read at the start. A broken file changes nothing.
 * @param onChange told how many instances there are now, or why the file was not taken
 * @returns ends it
 */
export function followFleetFile(
  file: string,
  engine: Pick<FleetEngine, 'setInstances'>,
  onChange: (outcome: { instances: number } | { problem: string }) => void,
): () => void {
  const look = () => {
    try {
      const { instances } = loadFleet(file);
      engine.setInstances(instances);
      onChange({ instances: instances.length });
    } catch (thrown) {
      onChange({ problem: messageOf(thrown) });
    }
  };
  watchFile(file, { interval: LOOK_MS }, look);
  return () => unwatchFile(file, look);
}
