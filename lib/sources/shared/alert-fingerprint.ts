/**
 * Prometheus' fingerprint of an alert: FNV-1a, 64 bits, over its labels in order. Alertmanager gives an alert's labels
 * this name, and a name that is not of these labels cannot tell two alerts apart.
 * https://github.com/prometheus/common/blob/main/model/signature.go
 */
const SEPARATOR = Buffer.from([0xff]);

/** @returns 16 hex digits */
export function labelFingerprint(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels)
    .map(([name, value]) => ({ name: Buffer.from(name), value: Buffer.from(value) }))
    .toSorted((a, b) => Buffer.compare(a.name, b.name));
  const bytes = Buffer.concat(sorted.flatMap(({ name, value }) => [name, SEPARATOR, value, SEPARATOR]));
  // The offset basis, cbf29ce484222325, in two halves: a number holds 53 bits.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of bytes) {
    const mixed = (low ^ byte) >>> 0;
    // Times the prime, 2^40 + 0x1b3.
    const product = mixed * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (mixed << 8)) >>> 0;
    low = product >>> 0;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}
