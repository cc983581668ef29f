/**
 * Who may come in by the `events` queue. Whoever may send there says of a message what they like, so that it proves
 * no person; for all other events the queue's policy is the proof, unless the rules file closes the queue to a source.
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

/** @throws FleetReflexError `queue.person` (hold): one event that a person is said to have typed refuses the message */
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
