/**
 * Which events the `events` queue accepts. A sender may claim anything in a message, so commands of people are refused.
 * For all other events the queue's policy authenticates the sender, unless the rules file closes the queue to a source.
 */
import { FleetReflexError } from '../errors.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type SourceSettings, takesMessages } from './settings.ts';
import type { Source } from './source.ts';

/** @returns the settings of a source that may come in here. @throws FleetReflexError `queue.person`, `queue.closed` (hold) */
export function openSettings(source: Source, settings: SourceSettings | undefined): SourceSettings {
  if (source.kinds.every((kind) => kind === 'chat')) throw aPerson(source.name);
  if (settings !== undefined && takesMessages(settings)) return settings;
  throw new FleetReflexError(
    'queue.closed',
    `The rules file closes the events queue to ${source.name} (sources.${source.name}.queue: false). Send it over HTTP to /hooks/${source.name}; redriven it is refused again, as long as the file says so.`,
    { disposition: 'hold', details: { source: source.name } },
  );
}

/** @throws FleetReflexError `queue.person` (hold) if any event of the message claims to be typed by a person */
export function checkEvents(source: Source, events: readonly TriggerEvent[]): void {
  if (events.some(({ kind }) => kind === 'chat')) throw aPerson(source.name);
}

function aPerson(source: string): FleetReflexError {
  return new FleetReflexError(
    'queue.person',
    `A message of the events queue says that a person typed a command in ${source}, and nobody has proved it: commands of people are taken over HTTP only, at /hooks/${source}. Nothing was run; redriven it is refused again. Look at who sent it.`,
    { disposition: 'hold', details: { source } },
  );
}
