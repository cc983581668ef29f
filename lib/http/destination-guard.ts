/**
 * Where a request of ours may go that takes outputs of the fleet, and perhaps tokens, to somebody: replies to chats, whose
 * addresses may come from events, and web hooks. Names are resolved and checked when the connection is made
 * (public-lookup.ts).
 */

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Names of private networks (RFC 6761, 6762, 8375; ICANN's .internal). */
const PRIVATE_ENDINGS = [
  'internal',
  'local',
  'localhost',
  'localdomain',
  'lan',
  'home',
  'corp',
  'intranet',
  'arpa',
];

/** Ports below this belong to other protocols. */
const FIRST_FREE_PORT = 1024;

/**
 * @param hosts exact names; `.example.com` is every host below; `*` is any public name, for vendors that everybody
 * runs themselves and whose server the configuration has named
 * @returns why not, or undefined
 */
export function whyNotTo(url: URL, hosts: readonly string[], allowLoopback: boolean): string | undefined {
  if (url.username !== '' || url.password !== '') return 'its URL has a user or a password';
  const { hostname, port, protocol } = url;
  if (LOOPBACK.has(hostname)) return allowLoopback ? undefined : 'it is on this machine';
  if (protocol !== 'https:') return 'it is not https';
  if (!hosts.some((host) => isIn(hostname, port, host))) return `${url.host} is no host that this may go to`;
  return undefined;
}

function isIn(hostname: string, port: string, host: string): boolean {
  if (host === '*') return isPublicName(hostname) && (port === '' || Number(port) >= FIRST_FREE_PORT);
  if (port !== '') return false;
  return host.startsWith('.') ? isPublicName(hostname) && hostname.endsWith(host) : hostname === host;
}

/**
 * URL writes every form of an IPv4 address (decimal, hexadecimal, octal, short) with dots, and IPv6 between brackets.
 * A last dot makes the same host another name.
 */
function isPublicName(hostname: string): boolean {
  const labels = hostname.split('.');
  const last = labels.at(-1) ?? '';
  const isWhole = labels.length > 1 && labels.every((label) => /^[a-z0-9_-]+$/.test(label));
  return isWhole && /^(?:[a-z]+|xn--[a-z0-9-]+)$/.test(last) && !PRIVATE_ENDINGS.includes(last);
}
