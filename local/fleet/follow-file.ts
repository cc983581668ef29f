/** The fleet file while the stack runs: an instance that is written into it, or taken out, is there or gone in a moment. */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../lib/errors.ts';
import type { FleetEngine } from './engine.ts';
import { parseFleet } from './fleet-file.ts';

/** Editors replace files, and some file systems tell of no change: it is read. */
const LOOK_MS = 250;

/**
 * Takes the instances of the file, now and whenever it changes; commands are read at the start. A broken file changes
 * nothing.
 * @param onChange told how many instances there are now, or why the file was not taken
 * @returns ends it
 */
export function followFleetFile(
  file: string,
  engine: Pick<FleetEngine, 'setInstances'>,
  onChange: (outcome: { instances: number } | { problem: string }) => void,
): () => void {
  let last = '';
  let told = '';
  const look = (isFirst = false) => {
    try {
      const text = readFileSync(file, 'utf8');
      if (text === last) return;
      last = text;
      told = '';
      const { instances } = parseFleet(text, file);
      engine.setInstances(instances);
      if (!isFirst) onChange({ instances: instances.length });
    } catch (thrown) {
      const problem = messageOf(thrown);
      // A file that stays away is told once.
      if (problem !== told) onChange({ problem });
      told = problem;
    }
  };
  look(true);
  const timer = setInterval(look, LOOK_MS, false);
  timer.unref();
  return () => clearInterval(timer);
}
