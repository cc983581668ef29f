/**
 * Names are resolved when the connection is made, and only public addresses are accepted. The owner of a name can point it
 * to a private host or to the cloud's metadata service, and can change it between a check and its use; here the check is
 * part of the use.
 */
import { lookup as resolveName } from 'node:dns';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { FleetReflexError } from '../errors.ts';

/** Addresses that are not public (IANA's special-purpose registries, RFC 6890). */
const NOT_PUBLIC_V4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
/** For IPv6 the list is reversed: this range is assigned to hosts … */
const PUBLIC_V6 = blockList('ipv6', [['2000::', 3]]);
/** … but for tunnels, which hide an address of version 4 (Teredo, 6to4), protocols and documentation. */
const NOT_PUBLIC_V6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, family);
  return list;
}

export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !NOT_PUBLIC_V4.check(address, 'ipv4');
  return PUBLIC_V6.check(address, 'ipv6') && !NOT_PUBLIC_V6.check(address, 'ipv6');
}

type Resolve = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly { address: string; family: number }[]) => void,
) => void;

const resolveAll: Resolve = (hostname, callback) => resolveName(hostname, { all: true }, callback);

/** The code of the error for a name that leads to an address which is not public. */
export const PRIVATE_ADDRESS = 'reply.private-address';

/**
 * `lookup` of a connection. One address that is not public refuses the name: legitimate names never have both.
 * @param resolve how names are resolved; tests give their own
 */
export function publicLookup(resolve: Resolve = resolveAll): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${hostname} has no address`), '');
      } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
        const message = `${hostname} leads to an address that is not of the public Internet`;
        callback(new FleetReflexError(PRIVATE_ADDRESS, message), '');
      } else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}
