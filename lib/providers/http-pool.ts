/**
 * The keep-alive connections to one endpoint of a vendor. Opened at the first call, and opened anew after a pause:
 * a Lambda sandbox is frozen between invocations, and a connection that the other side closed meanwhile would turn
 * the first write after the thaw into a request that may or may not have arrived. undici is imported with the first call:
 * it takes a third of the time in which a function starts.
 */
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { type Clock, systemClock } from './clock.ts';

export interface HttpPoolOptions {
  /** Scheme, host and port. */
  origin: string;
  /** Most connections at once. Default 32. */
  connections?: number;
  /** To be connected, TLS included. Default 3000. */
  connectTimeoutMs?: number;
  /** Until the answer's headers are there. Default 30000. */
  headersTimeoutMs?: number;
  /** Between two pieces of the body. Default 10000. */
  bodyTimeoutMs?: number;
  /** An idle connection is closed after this, before the vendor's gateway does. Default 4000. */
  keepAliveMs?: number;
  /** How names become addresses. Default: as the system says. */
  lookup?: LookupFunction;
  clock?: Clock;
}

export interface HttpPool {
  /** The connections to use for a call that starts now. */
  dispatcher(): Promise<Dispatcher>;
  /** Lets running calls end, then closes every connection. */
  close(): Promise<void>;
}

export function createHttpPool(options: HttpPoolOptions): HttpPool {
  const { origin, clock = systemClock, keepAliveMs = 4000, lookup } = options;
  let pool: Promise<Dispatcher> | undefined;
  let usedAt = 0;

  const open = async (): Promise<Dispatcher> => {
    const { default: Pool } = await import('undici/lib/dispatcher/pool.js');
    return new Pool(origin, {
      connections: options.connections ?? 32,
      connect: { timeout: options.connectTimeoutMs ?? 3000, ...(lookup && { lookup }) },
      headersTimeout: options.headersTimeoutMs ?? 30_000,
      bodyTimeout: options.bodyTimeoutMs ?? 10_000,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // HTTP/1.1: the signed `host` header must be the one on the wire.
      allowH2: false,
    });
  };

  return {
    dispatcher() {
      // The wall clock: it goes on while the sandbox is frozen.
      const now = clock.epochMs();
      if (pool === undefined || now - usedAt >= keepAliveMs) {
        const stale = pool;
        pool = open();
        // `close` waits for calls that are still under way; its failure has no effect.
        stale?.then((it) => it.close()).catch(() => undefined);
      }
      usedAt = now;
      return pool;
    },
    async close() {
      const closing = pool;
      pool = undefined;
      await (await closing)?.close();
    },
  };
}

/** A dispatcher that somebody else owns (a test's `MockAgent`): used as it is, never closed here. */
export function borrowedPool(dispatcher: Dispatcher): HttpPool {
  return { dispatcher: () => Promise.resolve(dispatcher), close: () => Promise.resolve() };
}
