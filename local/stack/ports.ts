/** Ports on loopback. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { FleetReflexError } from '../../lib/errors.ts';

export function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

/**
 * The requested port, if it is free. 0, any free one, stays 0: the listener takes one, so that there is no race.
 * @param variable the environment variable that names another
 * @throws FleetReflexError `port.taken`
 */
export async function checkPort(asked: number, what: string, variable: string): Promise<number> {
  if (asked === 0) return 0;
  const server = createServer();
  try {
    server.listen(asked, '127.0.0.1');
    await once(server, 'listening');
  } catch (cause) {
    throw new FleetReflexError(
      'port.taken',
      `Port ${asked} for ${what} cannot be used on 127.0.0.1 (${cause instanceof Error && 'code' in cause ? String(cause.code) : 'in use'}). Stop what has it, or name another: ${variable}=<port>, 0 for any free one.`,
      { cause },
    );
  }
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}
