/**
 * Logging: structured, the event's name first, facts after. One port, so that rooms need no logger library, and one
 * redaction list; the Powertools logger behind it is made in the handlers' edge.
 */
import { Logger } from '@aws-lambda-powertools/logger';

export interface Log {
  debug(event: string, facts?: Readonly<Record<string, unknown>>): void;
  info(event: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(event: string, facts?: Readonly<Record<string, unknown>>): void;
  error(event: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Keys whose values are never written, at any depth. */
const REDACTED =
  /^(authorization|cookie|token|secret|password|signature|x-[\w-]*signature[\w-]*|responseurl|response_url|replyto|address|body|raw|output|parameters)$/i;

export function redact(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (REDACTED.test(name)) clean[name] = '[redacted]';
    else if (value instanceof Error || typeof value !== 'object' || value === null || Array.isArray(value)) {
      clean[name] = value;
    } else clean[name] = redact({ ...value });
  }
  return clean;
}

/** A Powertools logger as our port. `correlate` adds ids to everything that is logged until the next call. */
export function lambdaLog(options: { service: string; level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' }): Log & {
  correlate(ids: Readonly<Record<string, string | undefined>>): void;
} {
  const logger = new Logger({ serviceName: options.service, logLevel: options.level });
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, facts: Readonly<Record<string, unknown>> = {}) =>
      logger[level](event, redact(facts));
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    correlate(ids) {
      logger.resetKeys();
      logger.appendKeys(ids);
    },
  };
}

/** For parts that are run without a logger, such as tests. */
export const silent: Log = { debug: noop, info: noop, warn: noop, error: noop };

function noop(): void {}

export interface CorrelatedLog extends Log {
  /** Puts the ids on everything that is logged until the next call. */
  correlate(ids: Readonly<Record<string, string | undefined>>): void;
}
