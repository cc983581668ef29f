/** The vendor's identifiers: a prefix and lower-case letters and digits. */
import { randomInt } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 8;

export type IdPrefix = 'cmd' | 'inv' | 'invt' | 'ivk';

/** `inv-8xgjrytm`. */
export function newId(prefix: IdPrefix): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${prefix}-${letters.join('')}`;
}

/** The vendor's ids have 8 characters; a fleet file may name its own a little shorter or longer. */
export const ID_FORMS = {
  command: /^cmd-[a-z0-9]{4,32}$/,
  invocation: /^inv-[a-z0-9]{4,32}$/,
  invocationTask: /^invt-[a-z0-9]{4,32}$/,
  invoker: /^ivk-[a-z0-9]{4,32}$/,
  instance: /^(ins|lhins|rins)-[a-z0-9]{4,32}$/,
} as const;
