/** Counts the requests of this process that are not answered: while there is one, somebody works. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';

let open = 0;
let begun = 0;

/** To be called before the first request. */
export function watchRequests(): void {
  const begin = () => {
    open += 1;
    begun += 1;
  };
  const end = () => {
    open -= 1;
  };
  subscribe('http.client.request.start', (message) => {
    begin();
    OfHttp.parse(message).request.once('close', end);
  });
  // Of the clouds' client.
  subscribe('undici:request:create', begin);
  subscribe('undici:request:trailers', end);
  subscribe('undici:request:error', end);
}

const OfHttp = z.looseObject({ request: z.custom<ClientRequest>() });

/** Turns of the loop in a row in which nothing happens: what is decided between two calls takes a few. */
const QUIET_TURNS = 6;

/** Resolves when all that this process waits for is a sleep, or a message of its parent. */
export async function whenIdle(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
    const before = begun;
    await turn();
    await wait(1);
    if (open > 0 || begun !== before) quiet = -1;
  }
}
