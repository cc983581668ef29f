/** The clock of a process, which its tests move: nobody waits for a lease of seventy seconds. */
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import * as z from 'zod';

const actual = Date;
let aheadMs = 0;

/** All that reads the time in this process reads it from here, from now on. */
export function installClock(): void {
  globalThis.Date = new Proxy(actual, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now() + aheadMs] : args, newTarget),
    get: (target, property, receiver) =>
      property === 'now' ? () => target.now() + aheadMs : Reflect.get(target, property, receiver),
  });
}

/** Servers of this process say the same time: Node writes `Date` by a clock of its own otherwise. */
export function installServerClock(): void {
  subscribe('http.server.request.start', (message) => {
    Started.parse(message).response.setHeader('date', new Date().toUTCString());
  });
}

const Started = z.looseObject({ response: z.custom<ServerResponse>() });

export function setAhead(ms: number): void {
  aheadMs = ms;
}

export function ahead(): number {
  return aheadMs;
}
