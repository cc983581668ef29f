/** The flat parameters of a request, read by name; what is malformed is refused with the vendor's code. */
import { apiError, invalidParameter, missingParameter } from './api-error.ts';

export interface Tag {
  key: string;
  value: string;
}

/** As it came: a filter may leave the value out. */
interface SentTag {
  key: string;
  value: string | undefined;
}

export interface RpcParameters {
  /** Sent and not empty: the vendor takes an empty parameter for one that is not there. */
  text(name: string): string | undefined;
  required(name: string): string;
  /** `true` and `false`, in any case. */
  flag(name: string): boolean | undefined;
  /** @param code of the error, by default `InvalidParameter.<name>` */
  integer(name: string, range: { min: number; max?: number; code?: string }): number | undefined;
  oneOf<Value extends string>(name: string, values: readonly Value[], code?: string): Value | undefined;
  /** `Name.1`, `Name.2`, … in that order. */
  list(name: string): string[];
  /** `Tag.1.Key` and `Tag.1.Value`, … */
  tags(name: 'Tag' | 'ResourceTag'): Tag[];
  /** The same as a question about a record's tags: a key without a value asks for the key, whatever its value. */
  tagFilter(name: 'Tag' | 'ResourceTag', maxKey?: number): (tags: readonly Tag[]) => boolean;
  /** For idempotence: what was asked, without what changes from attempt to attempt. */
  fingerprint(): string;
}

export function rpcParameters(values: ReadonlyMap<string, string>): RpcParameters {
  const text = (name: string): string | undefined => values.get(name) || undefined;

  /** The numbers N for which there is a `name.N` or `name.N.…`. */
  const indexes = (name: string): number[] => {
    const found = new Set<number>();
    for (const key of values.keys()) {
      const match = key.startsWith(`${name}.`) ? /^(\d+)(\.|$)/.exec(key.slice(name.length + 1)) : null;
      if (match !== null) found.add(Number(match[1]));
    }
    return [...found].sort((left, right) => left - right);
  };

  const sentTags = (name: 'Tag' | 'ResourceTag', maxKey?: number) =>
    checkTags(
      name,
      indexes(name).map((index) => ({
        key: values.get(`${name}.${index}.Key`),
        value: values.get(`${name}.${index}.Value`),
      })),
      maxKey,
    );

  return {
    text,
    required(name) {
      const value = text(name);
      if (value === undefined) throw missingParameter(name);
      return value;
    },
    flag(name) {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return undefined;
      if (value !== 'true' && value !== 'false') throw invalidParameter(name);
      return value === 'true';
    },
    integer(name, { min, max = Number.MAX_SAFE_INTEGER, code }) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw code === undefined ? invalidParameter(name) : apiError(code);
    },
    oneOf(name, options, code) {
      const value = text(name);
      if (value === undefined) return undefined;
      const found = options.find((option) => option === value);
      if (found !== undefined) return found;
      throw code === undefined ? invalidParameter(name) : apiError(code);
    },
    list: (name) => indexes(name).map((index) => values.get(`${name}.${index}`) ?? ''),
    tags: (name) => sentTags(name).map(({ key, value = '' }) => ({ key, value })),
    tagFilter(name, maxKey) {
      const wanted = sentTags(name, maxKey);
      return (tags) =>
        wanted.every(({ key, value }) =>
          tags.some((tag) => tag.key === key && (value === undefined || tag.value === value)),
        );
    },
    fingerprint() {
      const ours = [...values].filter(([key]) => key !== 'ClientToken' && !TRANSPORT.has(key));
      return JSON.stringify(ours.sort(([left], [right]) => (left < right ? -1 : 1)));
    },
  };
}

/** Parameters of the RPC style that belong to the request, not to what it asks. */
const TRANSPORT: ReadonlySet<string> = new Set([
  'Format',
  'Version',
  'AccessKeyId',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureNonce',
  'Signature',
  'Timestamp',
  'Action',
  'SecurityToken',
]);

const LIMITS = {
  Tag: {
    most: 20,
    tooMany: 'NumberExceed.Tags',
    noKey: 'MissingParameter.TagKey',
    badKey: 'InvalidTagKey.Malformed',
    badValue: 'InvalidTagValue.Malformed',
    twice: 'Duplicate.TagKey',
  },
  ResourceTag: {
    most: 10,
    tooMany: 'NumberExceed.ResourceTags',
    noKey: 'MissingParameter.ResourceTagKey',
    badKey: 'InvalidResourceTagKey.Malformed',
    badValue: 'InvalidResourceTagValue.Malformed',
    twice: 'Duplicate.ResourceTagKey',
  },
} as const;

/** Of an invocation. */
const MAX_KEY = 64;

function checkTags(
  name: keyof typeof LIMITS,
  tags: readonly { key: string | undefined; value: string | undefined }[],
  maxKey = MAX_KEY,
): SentTag[] {
  const limits = LIMITS[name];
  if (tags.length > limits.most) throw apiError(limits.tooMany);
  const checked: SentTag[] = [];
  for (const { key, value } of tags) {
    if (key === undefined || key === '') throw apiError(limits.noKey);
    if (key.length > maxKey || /^(aliyun|acs:)/.test(key) || /https?:\/\//.test(key))
      throw apiError(limits.badKey);
    if (value !== undefined && (value.length > 128 || /https?:\/\//.test(value)))
      throw apiError(limits.badValue);
    if (checked.some((other) => other.key === key)) throw apiError(limits.twice);
    checked.push({ key, value });
  }
  return checked;
}
