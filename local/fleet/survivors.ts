/**
 * Finds and kills what commands left behind. A background child outlives its shell, and one that called setsid even
 * its process group; when the engine stops, none of them may stay on the developer's machine.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** The environment variable by which an engine knows its own processes. */
export const ENGINE_MARK = 'FLEET_ENGINE';

/** SIGKILL to a whole process group, at once, as the agent does. False when it is already gone. */
export function killGroup(groupId: number): boolean {
  return signal(-groupId, 'SIGKILL');
}

export function isGroupAlive(groupId: number): boolean {
  return signal(-groupId, 0);
}

/** Kills every process that carries the engine's mark, until none is left. Only Linux tells (`/proc`). */
export async function killMarked(engineId: string): Promise<void> {
  // More than one round: a process may fork between being read and being killed.
  for (let round = 0; round < 50; round += 1) {
    const found = findMarked(engineId);
    if (found.length === 0) return;
    for (const pid of found) signal(pid, 'SIGKILL');
    await wait(5);
  }
}

function findMarked(engineId: string): number[] {
  if (process.platform !== 'linux') return [];
  const mark = `${ENGINE_MARK}=${engineId}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
      } catch {
        return false; // ended meanwhile, or another user's
      }
    });
}

function signal(target: number, name: 'SIGKILL' | 0): boolean {
  try {
    return process.kill(target, name);
  } catch {
    return false;
  }
}
