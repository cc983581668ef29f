/** Which port each part of the stack gets: the environment's, else the one that the README names. */
import type { Environment } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';
import { PORTS, type PortName } from './start.ts';

/** @throws FleetReflexError `port.invalid`, with every variable that is no port */
export function portsOf(environment: Environment): Record<PortName, number> {
  const problems: string[] = [];
  const portOf = (name: PortName): number => {
    const given = environment[name];
    if (given === undefined || given === '') return PORTS[name];
    const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
    if (port <= 65_535) return port;
    problems.push(`${name} is ${JSON.stringify(given)}; expected a port, 0 to 65535 (0 is any free one)`);
    return 0;
  };
  const ports = {
    HTTP_PORT: portOf('HTTP_PORT'),
    LAMBDA_PORT: portOf('LAMBDA_PORT'),
    SQS_PORT: portOf('SQS_PORT'),
    DYNAMODB_PORT: portOf('DYNAMODB_PORT'),
    TAT_PORT: portOf('TAT_PORT'),
    CLOUD_ASSISTANT_PORT: portOf('CLOUD_ASSISTANT_PORT'),
  };
  if (problems.length === 0) return ports;
  throw new FleetReflexError('port.invalid', problems.join('\n'), { details: { problems } });
}

/** Any free port for every part: for tests and the demo, which must not meet a running `npm start`. */
export const FREE_PORTS: Readonly<Record<PortName, number>> = {
  HTTP_PORT: 0,
  LAMBDA_PORT: 0,
  SQS_PORT: 0,
  DYNAMODB_PORT: 0,
  TAT_PORT: 0,
  CLOUD_ASSISTANT_PORT: 0,
};
