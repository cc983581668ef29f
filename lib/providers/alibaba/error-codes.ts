/** What an error code of the vendor means for the caller, and what the person on call should do. */
import type { ErrorClass } from '../call-outcome.ts';
import {
  type AlibabaErrorKind,
  ERROR_ROWS,
  KEYS,
  POLICY,
  SHORTER,
  SLOWER,
  STS,
  WAIT,
} from './error-table.ts';

export interface AlibabaErrorCode {
  code: string;
  /** The HTTP status that the documents give; a different one in an answer changes nothing. */
  httpStatus: number;
  kind: AlibabaErrorKind;
  /** The kind in the words of all clouds. */
  class: ErrorClass;
  /** One sentence for the person who is on call. */
  advice: string;
}

const CLASSES: Readonly<Record<AlibabaErrorKind, ErrorClass>> = {
  parameter: 'invalid',
  limit: 'invalid',
  notFound: 'notFound',
  quota: 'quota',
  unavailable: 'unavailable',
  credentials: 'denied',
  permission: 'denied',
  region: 'unsupported',
  idempotence: 'conflict',
  inProgress: 'maybeDone',
  throttled: 'throttled',
  replayed: 'maybeDone',
  server: 'maybeDone',
};

export const ERROR_CODES: ReadonlyMap<string, AlibabaErrorCode> = new Map(
  ERROR_ROWS.map(([httpStatus, code, kind, advice]) => [
    code,
    { code, httpStatus, kind, class: CLASSES[kind], advice },
  ]),
);

/** What the kind of a code says where the code itself is not in the table. */
const FAMILIES: readonly [test: (code: string, httpStatus: number) => boolean, AlibabaErrorKind, string][] = [
  // As the vendor's SDK does it: by the code, whatever the HTTP status.
  [(code) => code.includes('Throttling'), 'throttled', SLOWER],
  [(_, httpStatus) => httpStatus === 429, 'throttled', SLOWER],
  [(_, httpStatus) => httpStatus >= 500, 'server', WAIT],
  [
    (code) => /^(InvalidAccessKeyId|InvalidTimeStamp|Signature|IncompleteSignature)/.test(code),
    'credentials',
    KEYS,
  ],
  [(code) => code.includes('SecurityToken'), 'credentials', STS],
  [(code) => /^(Forbidden|NoPermission|Unauthorized)/.test(code), 'permission', POLICY],
  [(code) => /ExceedQuota|QuotaExceed/.test(code), 'quota', 'Ask for a higher quota in the Quota Center.'],
  [(code) => /ExceedLimit|LimitExceeded/.test(code), 'limit', SHORTER],
  [
    (code, httpStatus) => code.endsWith('.NotFound') || httpStatus === 404,
    'notFound',
    'Check the id that the message names, and its region.',
  ],
];

/** The entry for a code, or the best that its family and HTTP status say; never undefined. */
export function explainErrorCode(code: string, httpStatus: number): AlibabaErrorCode {
  const known = ERROR_CODES.get(code);
  if (known !== undefined) return known;
  for (const [test, kind, advice] of FAMILIES) {
    if (test(code, httpStatus)) return { code, httpStatus, kind, class: CLASSES[kind], advice };
  }
  const advice = "Look the code up in the vendor's list of ECS error codes; fleet-reflex does not know it.";
  return { code, httpStatus, kind: 'parameter', class: CLASSES.parameter, advice };
}
