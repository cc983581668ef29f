/** What was told to every destination, counted: ends of runs, what rejected them, and how late the news is. */
import type { Metrics } from '../metrics.ts';
import type { CompletionEvent } from '../model/completion-event.ts';

/** An event that is sent again after a crash counts again. */
export function measureTold(events: readonly CompletionEvent[], metrics: Metrics, now: Date): void {
  for (const { type, data } of events) {
    const isRejected = type === 'fleet-reflex.run.rejected';
    if (!isRejected && type !== 'fleet-reflex.run.completed') continue;
    metrics.add('RunsEnded', 1, { status: data.status });
    if (isRejected) metrics.add('RunsRejected', 1, { guard: data.reason?.code ?? 'none' });
    if (data.endedAt !== undefined)
      metrics.add('CompletionLag', Math.max(0, now.getTime() - Date.parse(data.endedAt)));
  }
}
