/** The port to where decisions about events are kept, for as long as runs are. */
import type { EventRecord } from '../model/decision.ts';

export interface EventPage {
  events: EventRecord[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

export interface EventLog {
  /** Keeps the record; of an event that came again, the newest. Those that come together are written together. */
  put(record: EventRecord): Promise<void>;
  /** Newest first. @throws FleetReflexError `runs.cursor` */
  list(options: { limit: number; cursor?: string; source?: string }): Promise<EventPage>;
}
