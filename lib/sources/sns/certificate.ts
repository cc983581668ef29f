/**
 * The certificate that signs SNS messages: fetched only from Amazon's own hosts, checked, and cached. The file contains
 * only the leaf, so there is no chain to check; the TLS connection to the pinned host authenticates it.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { FleetReflexError } from '../../errors.ts';

/** Gets a text; throws for any answer but a success. Given, so that tests need no network. */
export type FetchText = (url: string) => Promise<string>;

export type KeyFor = (url: string, now: Date) => Promise<KeyObject>;

/**
 * `sns.<region>.amazonaws.com`, China's with `.cn`. Other words in the place of the region are other services:
 * `sns.s3.amazonaws.com` serves files of the owner of the bucket `sns`.
 */
const SNS_HOST =
  /^sns\.(?:(?!cn-)[a-z]{2}(?:-[a-z]{2,12}){1,2}-\d{1,2}\.amazonaws\.com|cn(?:-[a-z]{2,12}){1,2}-\d{1,2}\.amazonaws\.com\.cn)$/;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[0-9A-Za-z]{32}\.pem$/;
const MAX_CACHED = 16;
const MAX_BYTES = 64 * 1024;
const TIMEOUT_MS = 3000;

/**
 * Whether this is a URL of SNS itself, in SNS's exact form: https, no user, no port, no lenient spelling.
 * Any other URL would let a message choose the address that we fetch.
 */
function isSnsUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isPlain = url.href === text && url.username === '' && url.password === '' && url.port === '';
  return url.protocol === 'https:' && isPlain && SNS_HOST.test(url.hostname);
}

/** Where a subscription is confirmed: `https://sns.<region>.amazonaws.com/?Action=ConfirmSubscription&…`. */
export function isSubscribeUrl(text: string): boolean {
  if (!isSnsUrl(text)) return false;
  const { pathname, searchParams, hash } = new URL(text);
  return pathname === '/' && hash === '' && searchParams.getAll('Action').join() === 'ConfirmSubscription';
}

export function isCertificateUrl(text: string): boolean {
  if (!isSnsUrl(text)) return false;
  const { pathname, search, hash } = new URL(text);
  return CERTIFICATE_PATH.test(pathname) && search === '' && hash === '';
}

/** Public keys by certificate URL; the oldest of more than sixteen is forgotten. */
export function certificateKeys(fetchText: FetchText): KeyFor {
  const cached = new Map<string, X509Certificate>();
  return async (url, now) => {
    const certificate = cached.get(url) ?? readCertificate(await fetchText(url));
    checkCertificate(certificate, now);
    cached.delete(url);
    cached.set(url, certificate);
    const [oldest] = cached.keys();
    if (cached.size > MAX_CACHED && oldest !== undefined) cached.delete(oldest);
    return certificate.publicKey;
  };
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw certificateError('is not a certificate', cause);
  }
}

function checkCertificate(certificate: X509Certificate, now: Date): void {
  const { publicKey } = certificate;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (publicKey.asymmetricKeyType !== 'rsa' || bits < 2048)
    throw certificateError('has no RSA key of 2048 bits');
  const isInTime =
    now.getTime() >= Date.parse(certificate.validFrom) && now.getTime() <= Date.parse(certificate.validTo);
  if (!isInTime) throw certificateError('is not valid at this time');
}

function certificateError(what: string, cause?: unknown): FleetReflexError {
  return new FleetReflexError('source.certificate', `The certificate that signs the SNS message ${what}.`, {
    disposition: 'retry',
    cause,
  });
}

/** Without redirects, within three seconds and 64 KB. */
export async function fetchFromSns(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return await readBounded(response);
  } catch (cause) {
    throw new FleetReflexError('source.unreachable', `SNS could not be asked at ${new URL(url).hostname}.`, {
      disposition: 'retry',
      cause,
    });
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('it answered with more than 64 KB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
