/**
 * The times that senders write, as ISO 8601 in UTC: RFC 3339, offsets without a colon, the basic format of Alibaba
 * (`20181226T220114.058+0800`), local times without a zone (Tencent), and Unix seconds or milliseconds.
 */

const DATE_TIME =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d):?(\d\d)([.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?(?: UTC)?$/i;
/** Unix times above this are milliseconds: as seconds it is the year 5138. */
const FIRST_MILLISECONDS = 1e11;

/**
 * @param zone what a time without one means: `+08:00`; default UTC
 * @returns undefined for nothing, for what is no time, and for Go's zero time (`0001-01-01T00:00:00Z`)
 */
export function toIsoTime(value: unknown, zone = 'Z'): string | undefined {
  if (typeof value === 'number') return fromEpoch(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{9,14}(\.\d+)?$/.test(text)) return fromEpoch(Number(text));
  const parts = DATE_TIME.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', given = zone] = parts;
  const offset = given.toUpperCase().replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
  const milliseconds = fraction === '' ? '' : `.${fraction.slice(1, 4)}`;
  return fromDate(new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${milliseconds}${offset}`));
}

function fromEpoch(value: number): string | undefined {
  return fromDate(new Date(value < FIRST_MILLISECONDS ? value * 1000 : value));
}

function fromDate(date: Date): string | undefined {
  const at = date.getTime();
  const isPlausible = at > 0 && at < Date.UTC(9999, 0);
  return isPlausible ? date.toISOString() : undefined;
}
