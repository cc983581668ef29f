/** A state as a word and a colour; the word alone says it all. */
export function Status({ of }: { of: string }) {
  return <span class={`status ${TONE[of] ?? 'live'}`}>{of.replaceAll('_', ' ')}</span>;
}

const TONE: Record<string, string> = {
  succeeded: 'good',
  failed: 'bad',
  partly_failed: 'bad',
  timed_out: 'bad',
  unknown: 'bad',
  undelivered: 'bad',
  lost: 'bad',
  rejected: 'calm',
  expired: 'warn',
  stopped: 'warn',
  partly_stopped: 'warn',
  cancelled: 'warn',
  terminated: 'warn',
  scheduled: 'calm',
  planned: 'calm',
  waiting: 'warn',
};
