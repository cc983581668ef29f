/**
 * The times that senders write, as ISO 8601 in UTC: RFC 3339, offsets without a colon, the basic format of Alibaba
 * (`20181226T220114.058+0800`), local times without a zone (Tencent), and Unix times.
 */

const DATE_TIME =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d):?(\d\d)([.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?(?: UTC)?$/i;
/** A Unix time's unit by its size: 1e11 seconds are the year 5138, and each finer unit has a thousand times more. */
const FIRST_MILLISECONDS = 1e11;
const FIRST_MICROSECONDS = 1e14;
const FIRST_NANOSECONDS = 1e17;

/**
 * @param zone what a time without one means: `+08:00`; default UTC
 * @returns undefined for nothing, for what is no time, and for Go's zero time (`0001-01-01T00:00:00Z`)
 */
export function toIsoTime(value: unknown, zone = 'Z'): string | undefined {
  if (typeof value === 'number') return fromEpoch(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{9,19}(\.\d+)?$/.test(text)) return fromEpoch(Number(text));
  const parts = DATE_TIME.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', given = zone] = parts;
  const offset = given.toUpperCase().replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
  const milliseconds = fraction === '' ? '' : `.${fraction.slice(1, 4)}`;
  return fromDate(new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${milliseconds}${offset}`));
}

function fromEpoch(value: number): string | undefined {
  if (value < FIRST_MILLISECONDS) return fromDate(new Date(value * 1000));
  if (value < FIRST_MICROSECONDS) return fromDate(new Date(value));
  return fromDate(new Date(value / (value < FIRST_NANOSECONDS ? 1e3 : 1e6)));
}

function fromDate(date: Date): string | undefined {
  const at = date.getTime();
  const isPlausible = at > 0 && at < Date.UTC(9999, 0);
  return isPlausible ? date.toISOString() : undefined;
}
