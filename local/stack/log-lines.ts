/**
 * What the functions write, as a person wants to read it while they try things: one short line for each decision.
 * The functions log JSON; serverless-offline adds lines of its own, which say nothing new.
 */
import { styleText } from 'node:util';
import * as z from 'zod';

const Entry = z.looseObject({
  level: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL']),
  message: z.string(),
  service: z.string(),
  timestamp: z.string(),
});
type Entry = z.infer<typeof Entry>;

const Decided = z.looseObject({
  source: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  matched: z.array(z.looseObject({ rule: z.string(), runId: z.string(), rejected: z.string().optional() })),
  unmatched: z.array(z.looseObject({ rule: z.string(), because: z.string() })),
});

/** In every entry, and of no interest to a person. */
const HIDDEN: ReadonlySet<string> = new Set([
  ...['level', 'message', 'service', 'timestamp', 'requestId', 'source', 'sampling_rate', 'xray_trace_id'],
  ...['cold_start', 'function_arn', 'function_memory_size', 'function_name', 'function_request_id', 'stack'],
]);
const NOISE =
  /^(\s*$|\(λ: |(ANY|GET|PUT|POST|PATCH|DELETE|OPTIONS|HEAD) \/|Successfully invoked scheduled|Unhandled Lambda Error|\s*[┌│├└])/u;
const MAX_VALUE = 160;
const MAX_UNMATCHED = 2;

/**
 * @param line as the functions' process wrote it
 * @param shows `all` for every entry and what is no entry, `decisions` for what a person looks for
 * @returns the line to show, or `undefined` for one that is not shown
 */
export function renderLogLine(line: string, shows: 'all' | 'decisions'): string | undefined {
  const entry = parseEntry(line);
  if (entry === undefined) return shows === 'decisions' && NOISE.test(line) ? undefined : line;
  if (shows === 'decisions' && isRoutine(entry)) return undefined;
  const time = styleText('dim', clockTime(entry.timestamp));
  const stack = typeof entry['stack'] === 'string' ? `\n${entry['stack']}` : '';
  return `${time} ${entry.service.padEnd(8)} ${paint(entry)} ${factsOf(entry)}${stack}`.trimEnd();
}

function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return Entry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Every minute, and nothing came of it. */
function isRoutine({ level, message, ...facts }: Entry): boolean {
  if (level === 'DEBUG') return true;
  if (message !== 'poller.done') return false;
  return ['settled', 'rescued', 'failed'].every((name) => (facts[name] ?? 0) === 0);
}

function paint({ level, message }: Entry): string {
  if (level === 'ERROR' || level === 'CRITICAL') return styleText('red', message);
  return styleText(level === 'WARN' ? 'yellow' : 'cyan', message);
}

function factsOf(entry: Entry): string {
  if (entry.message === 'event.decided') {
    const decided = Decided.safeParse(entry);
    if (decided.success) return decisionOf(decided.data);
  }
  return Object.entries(entry)
    .filter(([name, value]) => !HIDDEN.has(name) && value !== undefined && value !== null)
    .map(([name, value]) => `${styleText('dim', `${name}=`)}${show(value)}`)
    .join(' ');
}

function decisionOf({ source, type, subject, matched, unmatched }: z.infer<typeof Decided>): string {
  const what = [source, type, ...(subject === undefined ? [] : [show(subject)])].join(' ');
  if (matched.length > 0) {
    const runs = matched.map(
      ({ rule, runId, rejected }) =>
        `${styleText('green', rule)} ${runId}${rejected === undefined ? '' : ` rejected: ${show(rejected)}`}`,
    );
    return `${what} → ${runs.join(', ')}`;
  }
  const reasons = unmatched.slice(0, MAX_UNMATCHED).map(({ rule, because }) => `${rule}: ${show(because)}`);
  const rest = unmatched.length - reasons.length;
  if (rest > 0) reasons.push(`and ${rest} more`);
  return `${what} → no rule matches${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)}…` : line;
}

/** 2026-11-21T02:03:04.567Z → 02:03:04, as the clock on this machine shows it. */
function clockTime(timestamp: string): string {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? timestamp : time.toLocaleTimeString('en-GB');
}
