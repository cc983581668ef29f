/**
 * Where a reply may go: to the vendor and nowhere else. Replies carry output of the fleet, and some carry tokens; the
 * addresses of some come from events.
 */

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * @param hosts exact names; `.example.com` is every host below; `*` is any name (not an address), for vendors that
 * everybody runs themselves and whose server the configuration has named
 * @returns why not, or undefined
 */
export function whyNotTo(url: URL, hosts: readonly string[], allowLoopback: boolean): string | undefined {
  if (url.username !== '' || url.password !== '') return 'its URL has a user or a password';
  const { hostname, port, protocol } = url;
  if (LOOPBACK.has(hostname)) return allowLoopback ? undefined : 'it is on this machine';
  if (protocol !== 'https:') return 'it is not https';
  if (!hosts.some((host) => isIn(hostname, port, host))) return `${url.host} is no host of this chat`;
  return undefined;
}

function isIn(hostname: string, port: string, host: string): boolean {
  if (host === '*') return !isAddress(hostname);
  if (port !== '') return false;
  return host.startsWith('.') ? hostname.endsWith(host) : hostname === host;
}

/** URL writes every form of an IPv4 address with dots, and IPv6 between brackets. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^[\d.]+$/.test(hostname) || !hostname.includes('.');
}
