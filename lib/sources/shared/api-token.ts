/**
 * Tokens for the APIs of code hosts, as a source's reply secret has them: `<token>` for the public site,
 * `<url of the API>#<token>` for a private server. A token is sent only to the API beside it.
 */

/**
 * @param api where the event came from, as it says itself
 * @param publicApi the API that a token alone belongs to
 */
export function tokenFor(api: string, entries: readonly string[], publicApi: string): string | undefined {
  for (const entry of entries) {
    const [, base = publicApi, token = ''] = /^(?:(https?:\/\/[^#\s]+)#)?(\S+)$/.exec(entry) ?? [];
    if (withoutSlash(base) === withoutSlash(api) && token !== '') return token;
  }
  return undefined;
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
