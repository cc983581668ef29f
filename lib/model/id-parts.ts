/** The texts that ids are made of. */

/** A non-empty text: undefined for null, undefined and the empty text. */
export function toText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The first that is text and not empty. */
export function firstText(...values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const text = toText(value);
    if (text !== undefined) return text;
  }
  return undefined;
}

/**
 * Several facts as one id. The separator is percent-encoded inside each, so that (`a`, `b/c`) and (`a/b`, `c`) differ;
 * facts without it are unchanged.
 */
export function joinedId(parts: readonly unknown[], separator: '/' | ' ' | ':' | '@' = '/'): string {
  const code = `%${separator.charCodeAt(0).toString(16).toUpperCase()}`;
  return parts
    .map((part) => (firstText(part) ?? '').replaceAll('%', '%25').replaceAll(separator, code))
    .join(separator);
}
