/**
 * Authentication of senders that cannot sign: the secret itself, as a bearer token, as the password of basic
 * authentication, in a custom header, or (if the sender can set nothing else) in the URL.
 */
import type { SourceRequest } from '../../http/request.ts';
import { AUTHENTIC, forged, type Verification } from '../source.ts';
import { isOneOf } from './secret-match.ts';

/** `Authorization: Bearer <secret>`, or `Basic` with the secret as the password of any user. */
export function verifyAuthorization(request: SourceRequest, secrets: readonly string[]): Verification {
  const header = request.headers['authorization'];
  if (header === undefined) return forged('it has no authorization header');
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S.*)$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return verifySecret(credentials, secrets, 'its bearer token');
    case 'basic':
      return verifySecret(passwordOf(credentials), secrets, 'its basic password');
    default:
      return forged('its authorization header is neither Bearer nor Basic');
  }
}

/** The secret as the whole value of a header. */
export function verifyHeader(
  request: SourceRequest,
  header: string,
  secrets: readonly string[],
): Verification {
  const value = request.headers[header];
  return value === undefined
    ? forged(`it has no ${header} header`)
    : verifySecret(value, secrets, `its ${header}`);
}

/** The secret as the path after `/hooks/{source}/`, as `?token=`, or as the URL's basic credentials. */
export function verifyUrlSecret(request: SourceRequest, secrets: readonly string[]): Verification {
  if (request.headers['authorization'] !== undefined) return verifyAuthorization(request, secrets);
  const token = request.query.get('token');
  if (token !== null) return verifySecret(token, secrets, 'its token in the query');
  return verifySecret(decodePath(request.path), secrets, 'its path');
}

/** Any text that a request gives as the secret itself. `what` names it in the log. */
export function verifySecret(
  given: string | undefined,
  secrets: readonly string[],
  what: string,
): Verification {
  return isOneOf(given, secrets) ? AUTHENTIC : forged(`${what} is not a live secret`);
}

/** The password of `user:password`; undefined where it is not canonical base64. */
function passwordOf(credentials: string): string | undefined {
  const bytes = Buffer.from(credentials, 'base64');
  if (bytes.toString('base64') !== credentials) return undefined;
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : text.slice(colon + 1);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
