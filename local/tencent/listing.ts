/** The common form of the Describe actions: a list of ids, or filters (AND across, OR within), then a page. */
import * as z from 'zod';
import { type IdKind, ids, isId } from './fields.ts';
import { breach } from './input.ts';
import { TatError } from './tat-error.ts';

const MAX_FILTERS = 10;
const MAX_VALUES = 5;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** How rows are filtered by one name. */
interface FilterRule<Row> {
  valuesOf: (row: Row) => readonly string[];
  /** Where the values are ids, the kind and the code for a malformed one. */
  id?: { kind: IdKind; code: string };
  /** Where only these values exist. */
  oneOf?: readonly string[];
}

/** By name; a name that ends with `:` takes any rest. */
export type FilterRules<Row> = Readonly<
  Record<string, FilterRule<Row> | ((rest: string) => FilterRule<Row>)>
>;

export interface Listing {
  Limit?: number | undefined;
  Offset?: number | undefined;
  Filters?: readonly { Name: string; Values: readonly string[] }[] | undefined;
}

/** The schema of a listing's parameters, without the ids (`idsField`), which every action calls by another name. */
export function listingFields(codes: { tooManyValues: string; tooSmall: string; tooLarge: string }) {
  return {
    Limit: z
      .int()
      .refine((value) => value >= 1, breach(codes.tooSmall, 'expected at least 1'))
      .refine((value) => value <= MAX_LIMIT, breach(codes.tooLarge, `expected at most ${MAX_LIMIT}`))
      .optional(),
    Offset: z
      .int()
      .refine((value) => value >= 0, breach(codes.tooSmall, 'expected at least 0'))
      .optional(),
    Filters: z
      .array(z.strictObject({ Name: z.string(), Values: z.array(z.string()) }))
      .refine(
        (filters) => filters.length <= MAX_FILTERS,
        breach('InvalidParameterValue.InvalidFilter', `expected at most ${MAX_FILTERS} filters`),
      )
      .refine(
        (filters) => filters.every(({ Values }) => Values.length > 0),
        breach('InvalidParameterValue.InvalidFilter', 'expected at least one value in each filter'),
      )
      .refine(
        (filters) => filters.every(({ Values }) => Values.length <= MAX_VALUES),
        breach(codes.tooManyValues, `expected at most ${MAX_VALUES} values in each filter`),
      )
      .optional(),
  };
}

/** The usual codes of DescribeInvocationTasks and its kind. */
export const PLAIN_CODES = {
  tooManyValues: 'InvalidParameterValue.InvalidFilter',
  tooSmall: 'InvalidParameterValue',
  tooLarge: 'InvalidParameterValue',
} as const;

/** The ids of a listing: at most 100. */
export function idsField(kind: IdKind, malformed: string, tooMany = 'InvalidParameterValue') {
  return ids({ kind, max: 100, malformed, tooMany, invalid: 'InvalidParameterValue' }).optional();
}

/**
 * One page of the rows that match.
 * @throws TatError `InvalidParameter.ConflictParameter` for ids and filters together, `.InvalidFilter`, and the code
 * of a malformed id in a filter
 */
export function list<Row>(
  rows: readonly Row[],
  wanted: Listing,
  byId: { parameter: string; ids: readonly string[] | undefined; of: (row: Row) => string },
  filters: FilterRules<Row> = {},
): { total: number; page: Row[] } {
  if (byId.ids !== undefined && (wanted.Filters?.length ?? 0) > 0) {
    throw new TatError(
      'InvalidParameter.ConflictParameter',
      `\`${byId.parameter}\` and \`Filters\` cannot be specified at the same time.`,
    );
  }
  const tests = (wanted.Filters ?? []).map(({ Name, Values }) => {
    const rule = ruleOf(Name, filters);
    checkValues(Name, Values, rule);
    const values = new Set(Values);
    return (row: Row): boolean => rule.valuesOf(row).some((value) => values.has(value));
  });
  const asked = byId.ids === undefined ? undefined : new Set(byId.ids);
  const matching = rows.filter(
    (row) => (asked === undefined || asked.has(byId.of(row))) && tests.every((test) => test(row)),
  );
  const offset = wanted.Offset ?? 0;
  return { total: matching.length, page: matching.slice(offset, offset + (wanted.Limit ?? DEFAULT_LIMIT)) };
}

/** The values of a filter, when it is there: they narrow what has to be looked at. */
export function filterValues(wanted: Listing, name: string): readonly string[] | undefined {
  return wanted.Filters?.find((filter) => filter.Name === name)?.Values;
}

function ruleOf<Row>(name: string, filters: FilterRules<Row>): FilterRule<Row> {
  const colon = name.indexOf(':') + 1;
  const rule = filters[name] ?? (colon > 0 ? filters[name.slice(0, colon)] : undefined);
  if (rule !== undefined) return typeof rule === 'function' ? rule(name.slice(colon)) : rule;
  throw new TatError(
    'InvalidParameterValue.InvalidFilter',
    `\`Filters\`: expected one of ${Object.keys(filters).join(', ')}, got \`${name.slice(0, 64)}\`.`,
  );
}

function checkValues<Row>(name: string, values: readonly string[], rule: FilterRule<Row>): void {
  const { id, oneOf } = rule;
  for (const value of values) {
    if (id !== undefined && !isId(id.kind, value)) {
      throw new TatError(
        id.code,
        `\`Filters\`: the value \`${value.slice(0, 64)}\` of ${name} is no such id.`,
      );
    }
    if (oneOf !== undefined && !oneOf.includes(value)) {
      throw new TatError(
        'InvalidParameterValue.InvalidFilter',
        `\`Filters\`: expected ${oneOf.join(' or ')} for ${name}, got \`${value.slice(0, 64)}\`.`,
      );
    }
  }
}
