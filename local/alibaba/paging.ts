/**
 * Pages of a listing. A NextToken names the last entry that was shown, not a position: what is added meanwhile
 * moves nothing. PageNumber and PageSize, about to be deprecated, count positions, and count only without the others.
 */
import { apiError } from './api-error.ts';
import type { RpcParameters } from './rpc-parameters.ts';

export interface Page<Entry> {
  entries: Entry[];
  /** As the answer has them. */
  fields: { PageNumber: number; PageSize: number; TotalCount: number; NextToken: string };
}

const DEFAULT_SIZE = 10;
const MOST = 50;

/**
 * @param sizes where a size beyond them is taken for the nearest, and not refused
 * @param keyOf unique, and higher for what comes earlier in the listing: `[5]`, or `[5, 2]` for a row within an entry
 */
export function pageOf<Entry>(
  parameters: RpcParameters,
  entries: readonly Entry[],
  keyOf: (entry: Entry) => readonly number[],
  sizes: { least: number; most: number } | undefined = undefined,
): Page<Entry> {
  const wanted = parameters.integer('MaxResults', {
    min: 1,
    ...(sizes === undefined && { max: MOST }),
    code: 'InvalidParameter.MaxResults',
  });
  const maxResults =
    wanted === undefined || sizes === undefined
      ? wanted
      : Math.min(sizes.most, Math.max(sizes.least, wanted));
  const token = parameters.text('NextToken');
  const pageNumber = parameters.integer('PageNumber', { min: 1, code: 'InvalidParam.PageNumber' });
  const pageSize = parameters.integer('PageSize', {
    min: 1,
    max: sizes?.most ?? MOST,
    code: 'InvalidParam.PageSize',
  });
  const hasToken = maxResults !== undefined || token !== undefined;

  const size = (hasToken ? maxResults : pageSize) ?? DEFAULT_SIZE;
  const isNumbered = !hasToken && (pageNumber !== undefined || pageSize !== undefined);
  const number = isNumbered ? (pageNumber ?? 1) : 1;
  const after = token === undefined ? undefined : readToken(token);
  const rest = after === undefined ? entries : entries.filter((entry) => isAfter(keyOf(entry), after));
  const start = isNumbered ? (number - 1) * size : 0;
  const shown = rest.slice(start, start + size);
  const last = shown.at(-1);
  const hasMore = !isNumbered && rest.length > start + size && last !== undefined;
  return {
    entries: shown,
    fields: {
      PageNumber: number,
      PageSize: size,
      TotalCount: entries.length,
      NextToken: hasMore ? writeToken(keyOf(last)) : '',
    },
  };
}

/** Whether a key comes later in the listing: lower, number by number. */
function isAfter(key: readonly number[], shown: readonly number[]): boolean {
  for (const [index, number] of key.entries()) {
    const other = shown[index] ?? 0;
    if (number !== other) return number < other;
  }
  return false;
}

function writeToken(key: readonly number[]): string {
  return `AAAA${Buffer.from(key.join('.')).toString('base64url')}`;
}

function readToken(token: string): number[] {
  const text = token.startsWith('AAAA') ? Buffer.from(token.slice(4), 'base64url').toString() : '';
  if (!/^\d+(\.\d+)*$/.test(text) || writeToken(text.split('.').map(Number)) !== token) {
    throw apiError('InvalidParameter.NextToken');
  }
  return text.split('.').map(Number);
}
