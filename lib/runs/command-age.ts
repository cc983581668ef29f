/** A person's command is meant for now: a delayed or replayed one does not run. */
import type { RunRequest } from '../model/run-request.ts';

const MAX_AGE_MS = 5 * 60_000;

/** @returns why a command of that time is too old; undefined if it is not */
export function whyTooOld(givenAt: Date, now: Date): { code: string; message: string } | undefined {
  const ageMs = now.getTime() - givenAt.getTime();
  if (ageMs <= MAX_AGE_MS) return undefined;
  return {
    code: 'command.too-old',
    message: `The command was given at ${givenAt.toISOString()}, ${ageText(ageMs)} ago, and is carried out within ${MAX_AGE_MS / 60_000} minutes or not at all. Nothing was run; give it again, if it is still wanted.`,
  };
}

/** Whether a person asked for it, in a chat or below an issue. */
export function isOfPerson({ trigger }: Pick<RunRequest, 'trigger'>): boolean {
  return trigger.type.startsWith('chat.');
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
