/** The query parameters of the API's lists. */
import * as z from 'zod';
import { Refusal } from '../http/problem.ts';
import { AuditAct } from '../model/audit-entry.ts';
import { RunStatus } from '../model/completion-event.ts';

const word = z.string().min(1, 'expected a value, came none').max(400, 'expected at most 400 characters');
const INSTANT_EXPECTED = 'expected an instant like 2026-11-20T10:00:00Z, or a day like 2026-11-20';
const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], INSTANT_EXPECTED)
  .transform((text) => new Date(text).toISOString());
const paging = {
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: word.optional(),
};
const period = {
  since: instant.optional(),
  until: instant.optional(),
};

interface Period {
  since?: string | undefined;
  until?: string | undefined;
}

const isPeriod = ({ since, until }: Period) => since === undefined || until === undefined || since < until;
const NO_PERIOD = { path: ['until'], message: 'expected a time after `since`' };

export const ListQuery = z
  .strictObject({
    ...paging,
    ...period,
    /** The id or the name of who caused it, or cancelled it. */
    by: word.optional(),
    rule: word.optional(),
    /** `scheduled`: those that wait for their time, soonest first. */
    status: RunStatus.optional(),
  })
  .refine(
    ({ status, cursor, since, until, by }) =>
      status !== 'scheduled' || [cursor, since, until, by].every((it) => it === undefined),
    { path: ['status'], message: 'scheduled has one page, of all times, and goes with rule and limit alone' },
  )
  .refine(isPeriod, NO_PERIOD);
export const EventsQuery = z.strictObject({
  ...paging,
  source: word.optional(),
  /** `event`: includes the kept event, to replay it. */
  include: z.literal('event', 'expected event').optional(),
});
export const AuditQuery = z
  .strictObject({ ...paging, ...period, by: word.optional(), act: AuditAct.optional() })
  .refine(isPeriod, NO_PERIOD);
/** Routes without parameters. */
export const NoQuery = z.strictObject({});

/**
 * Unknown parameters are refused: otherwise a caller with `?from=` would take the newest page for the answer. Repeated
 * parameters are refused too.
 */
export function readQuery<Shape extends z.ZodObject>(query: URLSearchParams, schema: Shape): z.infer<Shape> {
  const names = [...query.keys()];
  const asked = schema.safeParse(Object.fromEntries(query));
  const repeated = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (asked.success && repeated.length === 0) return asked.data;
  const wrong = [
    ...repeated.map((name) => `${shown(name)}: expected once`),
    ...(asked.error?.issues ?? []).flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((name) => `${shown(name)}: unknown`)
        : [`${issue.path.join('.')}: ${issue.message}`],
    ),
  ]
    .slice(0, MAX_WRONG)
    .join('; ');
  const known = Object.keys(schema.shape).map((name) => (name === 'limit' ? 'limit (1 to 100)' : name));
  throw new Refusal(
    {
      status: 400,
      code: 'query.invalid',
      title: 'Wrong query',
      detail: `${wrong}. Known: ${known.length === 0 ? 'no parameters' : known.join(', ')}.`,
    },
    wrong,
  );
}

/** How many problems are named, and how much of a name is repeated. */
const MAX_WRONG = 10;
const MAX_NAME = 40;

function shown(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).toWellFormed()}…`;
}
