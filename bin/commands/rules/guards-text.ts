/** The guards of a run in one line, for a terminal. */
import type { RenderedGuards } from '../../../lib/model/run-request.ts';
import { formatDuration } from '../../../lib/rules/duration.ts';

/** The ones that hold without a word in the file too: nothing here knows what was started before. */
export function guardsText(guards: RenderedGuards): string {
  const {
    dedupe,
    times,
    cooldownMs,
    cooldownKeep = 'first',
    maxInFlight,
    whenFull = 'queue',
    maxInstances,
    maxPerHour,
    maxShare,
    breaker,
  } = guards;
  const lines = [
    dedupe && `once for ${JSON.stringify(dedupe.key)} in ${formatDuration(dedupe.windowMs)}`,
    times && `at event ${times.count} of ${JSON.stringify(times.key)} in ${formatDuration(times.withinMs)}`,
    cooldownMs && `cooldown ${formatDuration(cooldownMs)}, the ${cooldownKeep} event runs`,
    maxInFlight && `${maxInFlight} at a time, more: ${whenFull}`,
    maxInstances && `at most ${maxInstances} instances`,
    maxPerHour && `${maxPerHour.runs} runs an hour`,
    maxPerHour?.instances && `${maxPerHour.instances} instances an hour`,
    maxShare && `${maxShare.percent}% of ${maxShare.fleet} at a time`,
    breaker && `stopped for ${formatDuration(breaker.resetMs)} after ${breaker.failures} failures in a row`,
  ];
  return lines.filter((line) => line !== undefined).join(', ');
}
