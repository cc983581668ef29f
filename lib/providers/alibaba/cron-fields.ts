/**
 * The fields of a Cloud Assistant cron expression: seconds first, the year optional, Monday 1 and Sunday 7
 * (the vendor's page "Cron expressions", help.aliyun.com/document_detail/64769.html).
 */
interface FieldRule {
  name: string;
  min: number;
  max: number;
  /** Names that stand for numbers, from `min` on. */
  names?: readonly string[];
  /** Beside `* , - /`. */
  allows: string;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];

const FIELDS: readonly FieldRule[] = [
  { name: 'seconds', min: 0, max: 59, allows: '' },
  { name: 'minutes', min: 0, max: 59, allows: '' },
  { name: 'hours', min: 0, max: 23, allows: '' },
  { name: 'day of month', min: 1, max: 31, allows: '?LW' },
  { name: 'month', min: 1, max: 12, names: MONTHS, allows: '' },
  { name: 'day of week', min: 1, max: 7, names: DAYS, allows: '?L#' },
  { name: 'year', min: 1970, max: 2099, allows: '' },
];

/** @param fields six, or seven with the year. @returns what is wrong with the first wrong one */
export function findCronProblem(fields: readonly string[]): string | undefined {
  if (fields.length !== 6 && fields.length !== 7) {
    return `expected 6 fields, or 7 with the year, got ${fields.length}`;
  }
  for (const [index, text] of fields.entries()) {
    const rule = FIELDS[index];
    if (rule !== undefined && expand(text, rule) === undefined) {
      return `the ${rule.name} field does not take ${JSON.stringify(text)}`;
    }
  }
  return undefined;
}

/**
 * A gap between two runs that is certain to occur, in seconds: the shortest one within a minute, else within an
 * hour, else within a day. The vendor wants it to be no shorter than the timeout and 10 seconds.
 */
export function shortestCronGap(fields: readonly string[]): number {
  let unit = 1;
  for (const [index, size] of [60, 60, 24].entries()) {
    const rule = FIELDS[index];
    const values = rule === undefined ? undefined : expand(fields[index] ?? '', rule);
    if (values === undefined) return unit;
    if (values.length > 1) {
      const next = FIELDS[index + 1];
      const isEveryNext = next !== undefined && /^[*?]$/.test(fields[index + 1] ?? '');
      const gaps = values.slice(1).map((value, at) => value - (values[at] ?? 0));
      const [first = 0] = values;
      // Over the end of the minute (hour, day) only where the next one surely runs too.
      if (isEveryNext) gaps.push(first + size - (values.at(-1) ?? 0));
      return unit * Math.min(...gaps);
    }
    unit *= size;
  }
  return unit;
}

/** The numbers that a field stands for, sorted; empty for what depends on the calendar (`?`, `L`, `15W`, `4#2`). */
function expand(text: string, rule: FieldRule): number[] | undefined {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    if (isCalendarItem(item, rule)) continue;
    const found = expandItem(item, rule);
    if (found === undefined) return undefined;
    for (const value of found) values.add(value);
  }
  return [...values].sort((left, right) => left - right);
}

function isCalendarItem(item: string, rule: FieldRule): boolean {
  if (rule.allows === '') return false;
  if (item === '?' || item === 'L') return true;
  if (rule.allows.includes('W')) {
    if (item === 'LW') return true;
    return /^\d{1,2}W$/.test(item) && readValue(item.slice(0, -1), rule) !== undefined;
  }
  const [day = '', nth] = item.split('#');
  if (nth !== undefined) return /^[1-5]$/.test(nth) && readValue(day, rule) !== undefined;
  return item.endsWith('L') && readValue(item.slice(0, -1), rule) !== undefined;
}

/** A number, a range, or either with a step: `5`, `5-20`, `0/15`, `5-20/3`, or a star for the whole range. */
function expandItem(item: string, rule: FieldRule): number[] | undefined {
  const [range = '', stepText, ...more] = item.split('/');
  if (more.length > 0) return undefined;
  const step = stepText === undefined ? 1 : /^\d{1,2}$/.test(stepText) ? Number(stepText) : 0;
  if (step < 1) return undefined;
  let first: number | undefined = rule.min;
  let last: number | undefined = rule.max;
  if (range !== '*') {
    const [from = '', to, ...rest] = range.split('-');
    if (rest.length > 0) return undefined;
    first = readValue(from, rule);
    if (to !== undefined) last = readValue(to, rule);
    else if (stepText === undefined) last = first;
  }
  if (first === undefined || last === undefined || first > last) return undefined;
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(value);
  return values;
}

/** A number with at most one leading zero, or a name. */
function readValue(text: string, rule: FieldRule): number | undefined {
  const named = rule.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return rule.min + named;
  if (!/^(\d|0\d|[1-9]\d+)$/.test(text)) return undefined;
  const value = Number(text);
  return value >= rule.min && value <= rule.max ? value : undefined;
}
