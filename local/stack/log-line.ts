/** A function's log line as a person reads it in a terminal; what the local runtime itself prints is left out. */
import * as z from 'zod';

const Logged = z.looseObject({
  level: z.string(),
  message: z.string(),
  timestamp: z.string(),
  service: z.string(),
});

/** Said by every line and of no use here. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'level',
  'message',
  'timestamp',
  'service',
  'sampling_rate',
  'requestId',
  'gatewayRequestId',
  'stack',
]);

const Match = z.looseObject({ rule: z.string(), runId: z.string(), rejected: z.string().optional() });
const Decision = z.looseObject({
  source: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  matched: z.array(Match),
  unmatched: z.array(z.looseObject({ rule: z.string(), because: z.string() })),
});

/**
 * @param showsAll also what is not a log line of ours
 * @returns no lines, one, or a few
 */
export function readableLines(line: string, showsAll: boolean): string[] {
  const logged = Logged.safeParse(parse(line));
  if (!logged.success) return showsAll && line.trim() !== '' ? [line] : [];
  const { message, timestamp, service, level } = logged.data;
  // The poller looks each minute: that it found nothing is no news.
  if (message === 'poller.done' && !showsAll && isIdle(logged.data)) return [];
  const head = `${timestamp.slice(11, 19)} ${service.padEnd(8)} ${level === 'INFO' ? '' : `${level} `}${message}`;
  if (message === 'event.decided') {
    const decision = Decision.safeParse(logged.data);
    if (decision.success) return [head + summary(decision.data), ...decisionLines(decision.data)];
  }
  const facts = Object.entries(logged.data)
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [[head, ...facts].join('  ')];
}

function isIdle(logged: Readonly<Record<string, unknown>>): boolean {
  return ['read', 'settled', 'rescued', 'failed'].every(
    (name) => logged[name] === 0 || logged[name] === undefined,
  );
}

function summary({ source, type, subject }: z.infer<typeof Decision>): string {
  return `  ${type} of ${source}${subject === undefined ? '' : `, about ${subject}`}`;
}

function decisionLines({ matched, unmatched }: z.infer<typeof Decision>): string[] {
  const indent = ' '.repeat(18);
  return [
    ...matched.map(({ rule, runId, rejected }) =>
      rejected === undefined
        ? `${indent}✓ ${rule}: ${runId}`
        : `${indent}✗ ${rule}: ${runId} rejected: ${rejected}`,
    ),
    ...(matched.length === 0 ? unmatched.map(({ rule, because }) => `${indent}· ${rule}: ${because}`) : []),
  ];
}

function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    return undefined;
  }
}
