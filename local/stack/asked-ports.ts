/** The ports that the environment asks for. */
import type { Environment } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';

/** The variable of each port, and the port that it is without one. */
export const PORTS = {
  HTTP_PORT: 3000,
  LAMBDA_PORT: 3002,
  SQS_PORT: 4566,
  DYNAMODB_PORT: 8000,
  TAT_PORT: 4580,
  CLOUD_ASSISTANT_PORT: 4581,
  /** Any free one: who sends web hooks to this machine names one. */
  DESTINATIONS_PORT: 0,
} as const;
export type PortName = keyof typeof PORTS;

/** @throws FleetReflexError `port.invalid` */
export function askedPorts(environment: Environment): Record<PortName, number> {
  const port = (name: PortName): number => {
    const given = environment[name];
    if (given === undefined || given === '') return PORTS[name];
    const number = Number(given);
    if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
    throw new FleetReflexError(
      'port.invalid',
      `${name}=${given}: expected a port, 0 to 65535 (0: any free one).`,
    );
  };
  return {
    HTTP_PORT: port('HTTP_PORT'),
    LAMBDA_PORT: port('LAMBDA_PORT'),
    SQS_PORT: port('SQS_PORT'),
    DYNAMODB_PORT: port('DYNAMODB_PORT'),
    TAT_PORT: port('TAT_PORT'),
    CLOUD_ASSISTANT_PORT: port('CLOUD_ASSISTANT_PORT'),
    DESTINATIONS_PORT: port('DESTINATIONS_PORT'),
  };
}

export const ANY_PORTS: Readonly<Record<PortName, number>> = {
  HTTP_PORT: 0,
  LAMBDA_PORT: 0,
  SQS_PORT: 0,
  DYNAMODB_PORT: 0,
  TAT_PORT: 0,
  CLOUD_ASSISTANT_PORT: 0,
  DESTINATIONS_PORT: 0,
};
