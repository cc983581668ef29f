/** What has arrived at a stand-in for a destination. In memory, the newest thousand. */
export interface Arrival {
  at: string;
  kind: 'eventbridge' | 'log' | 'webhook';
  /** The bus, the log group, or the name of the web hook. */
  place: string;
  /** The completion event, as it came. */
  event: unknown;
  /** Of a web hook: its headers, without those of the connection. */
  headers?: Readonly<Record<string, string>>;
}

const MAX_KEPT = 1000;

export interface Arrivals {
  add(arrival: Arrival): void;
  all(): readonly Arrival[];
}

export function keepArrivals(): Arrivals {
  const kept: Arrival[] = [];
  return {
    add(arrival) {
      kept.push(arrival);
      if (kept.length > MAX_KEPT) kept.shift();
    },
    all: () => kept,
  };
}
