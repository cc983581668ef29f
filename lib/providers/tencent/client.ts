/** TAT as facts for the frame of every client: endpoint, rate, signature, envelope, codes. */
import { type CallFailed, type OwnCode, ownFailed, vendorFailed } from '../call-outcome.ts';
import {
  createVendorClient,
  type HttpAnswer,
  type Opened,
  type Vendor,
  type VendorClient,
  type VendorClientOptions,
} from '../vendor-client.ts';
import { explainErrorCode } from './error-codes.ts';
import { createTc3Signer, type Tc3Signer, type TencentCredentials } from './sign.ts';

/**
 * Default the international site; the mainland's is `https://tat.tencentcloudapi.com`. Both resolve to the nearest
 * access point, whatever the region; `https://tat.{region}.tencentcloudapi.com` is each region's own.
 */
const ENDPOINT = 'https://tat.intl.tencentcloudapi.com';
const API_VERSION = '2020-10-28';
const SERVICE = 'tat';
const CONTENT_TYPE = 'application/json';
const THROTTLED_RETRY_MS = 1000;

export interface TencentClientOptions extends VendorClientOptions<TencentCredentials> {
  /** The language of the vendor's messages. Default `en-US`. */
  language?: 'en-US' | 'zh-CN';
}

/** @throws TypeError when the endpoint is none */
export function createTencentClient(options: TencentClientOptions): VendorClient {
  return createVendorClient(tat(options.language ?? 'en-US'), options);
}

function tat(language: 'en-US' | 'zh-CN'): Vendor<TencentCredentials> {
  const signerOf = rememberedSigner();
  return {
    endpoint: ENDPOINT,
    // The documented limit of each action.
    requestsPerSecond: 20,
    isRateByRegion: false,
    // The vendor's second may begin anywhere and the way there takes varying time: a window a little longer than its
    // second keeps requests that bunch up on the way within its limit.
    windowMs: 1050,
    // After a refusal for the rate the whole action rests: other processes use the same account.
    restMs: 250,
    deadlineMs: 15_000,
    attempts: 3,
    open: openEnvelope,
    advice: (code) => ADVICE[code],
    sign({ action, region, request, host, nowMs }, credentials) {
      const body = JSON.stringify(request);
      const timestamp = Math.floor(nowMs / 1000);
      const headers = {
        host,
        'content-type': CONTENT_TYPE,
        'x-tc-action': action,
        'x-tc-version': API_VERSION,
        'x-tc-region': region,
        'x-tc-language': language,
        'x-tc-timestamp': String(timestamp),
        authorization: signerOf(host, credentials).authorization(body, timestamp),
        ...(credentials.token !== undefined && { 'x-tc-token': credentials.token }),
      };
      return { path: '/', headers: Object.entries(headers).flat(), body };
    },
  };
}

/** A signer keeps what is the same for a day: one for each host, as long as the key is the same. */
function rememberedSigner(): (host: string, credentials: TencentCredentials) => Tc3Signer {
  const known = new Map<string, { signer: Tc3Signer; id: string; key: string }>();
  return (host, credentials) => {
    const { secretId: id, secretKey: key } = credentials;
    const last = known.get(host);
    if (last?.id === id && last.key === key) return last.signer;
    const signedHeaders = { 'content-type': CONTENT_TYPE, host };
    const signer = createTc3Signer({ credentials, service: SERVICE, signedHeaders });
    known.set(host, { signer, id, key });
    return signer;
  };
}

const ADVICE: Readonly<Record<OwnCode, string>> = {
  InvalidRequest: "Mend the rule or the event: the request is outside the vendor's documented limits.",
  NoCredentials: 'Check where the credentials of this provider come from: they could not be read.',
  RateLimited:
    'Too many requests at once: fewer pollers or scripts should share this account, if it stays so.',
  Network: 'Check that this machine reaches the TAT endpoint: DNS, proxy, firewall.',
  Timeout: 'The endpoint is slow or not reachable: check the network, and look whether the command ran.',
  Aborted: 'The call was cancelled from our side.',
  HttpStatus:
    "Something between here and TAT answered: check the endpoint, proxies, and the vendor's status page.",
  InvalidAnswer: 'Check that the configured endpoint is TAT: its answer has not the documented form.',
};

/** 200, and yet not what the documents describe. */
export function invalidAnswer(message: string, kind: CallFailed['kind']): CallFailed {
  return ownFailed('InvalidAnswer', message, ADVICE.InvalidAnswer, kind);
}

/** `{"Response":{…}}`: the presence of `Error` decides, whatever the HTTP status; without it only 200 is an answer. */
function openEnvelope({ status, body }: HttpAnswer): Opened {
  const response = responseOf(body);
  const requestId = typeof response?.['RequestId'] === 'string' ? response['RequestId'] : undefined;
  const error = response?.['Error'];
  const code = isRecord(error) ? error['Code'] : undefined;
  if (isRecord(error) && typeof code === 'string' && code !== '') {
    const message = error['Message'];
    const { class: errorClass, advice } = explainErrorCode(code);
    return vendorFailed(errorClass, {
      code,
      message: typeof message === 'string' ? message : '',
      advice,
      ...(requestId !== undefined && { requestId }),
      ...(errorClass === 'throttled' && { retryAfterMs: THROTTLED_RETRY_MS }),
    });
  }
  if (status !== 200) {
    return ownFailed('HttpStatus', `expected HTTP 200, got ${status}`, ADVICE.HttpStatus, 'unknown');
  }
  if (response !== undefined && error === undefined) return { kind: 'answered', answer: response, requestId };
  const got = `expected {"Response":{…}}, got ${body.length} characters of something else`;
  return invalidAnswer(got, 'unknown');
}

function responseOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const response = isRecord(parsed) ? parsed['Response'] : undefined;
    return isRecord(response) ? response : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
