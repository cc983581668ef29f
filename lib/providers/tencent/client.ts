/** The APIs of Tencent Cloud as facts for the frame of every client: endpoint, rate, signature, envelope, codes. */
import { type CallFailed, type OwnCode, ownFailed, vendorFailed } from '../call-outcome.ts';
import type { HttpAnswer, Opened, Vendor } from '../vendor.ts';
import { createVendorClient, type VendorClient, type VendorClientOptions } from '../vendor-client.ts';
import { explainErrorCode } from './error-codes.ts';
import { createTc3Signer, type Tc3Signer, type TencentCredentials } from './sign.ts';

/**
 * Default the international site; the mainland's is `https://tat.tencentcloudapi.com`. Both resolve to the nearest
 * access point, whatever the region; `https://tat.{region}.tencentcloudapi.com` is each region's own.
 */
const TAT: TencentApi = {
  title: 'TAT',
  service: 'tat',
  version: '2020-10-28',
  endpoint: 'https://tat.intl.tencentcloudapi.com',
};

/** For the instances of a fleet by their tags; in the same places as TAT. */
export const CVM: TencentApi = {
  title: 'CVM',
  service: 'cvm',
  version: '2017-03-12',
  endpoint: 'https://cvm.intl.tencentcloudapi.com',
};

interface TencentApi {
  title: string;
  /** In the scope of signatures, and in the names of access points. */
  service: string;
  version: string;
  endpoint: string;
}

const CONTENT_TYPE = 'application/json';
const THROTTLED_RETRY_MS = 1000;

export interface TencentClientOptions extends VendorClientOptions<TencentCredentials> {
  /** The language of the vendor's messages. Default `en-US`. */
  language?: 'en-US' | 'zh-CN';
}

/** @throws TypeError when the endpoint is none */
export function createTencentClient(options: TencentClientOptions, api = TAT): VendorClient {
  return createVendorClient(vendorOf(api, options.language ?? 'en-US'), options);
}

/** Where another API is, of an endpoint of TAT: the same place by its own name; a place without TAT's name has both. */
export function endpointOf({ service }: TencentApi, ofTat: string): string {
  return ofTat.replace(/^(https?:\/\/)tat\./, `$1${service}.`);
}

function vendorOf(api: TencentApi, language: 'en-US' | 'zh-CN'): Vendor<TencentCredentials> {
  const signerOf = rememberedSigner(api.service);
  const advice = adviceOf(api.title);
  return {
    endpoint: api.endpoint,
    // The documented limit of each action of TAT; CVM takes 40.
    requestsPerSecond: 20,
    isRateByRegion: false,
    // The vendor's second may begin anywhere and the way there takes varying time: a window a little longer than its
    // second keeps requests that bunch up on the way within its limit.
    windowMs: 1050,
    // After a refusal for the rate the whole action rests: other processes use the same account.
    restMs: 250,
    deadlineMs: 15_000,
    attempts: 3,
    open: (answer) => openEnvelope(answer, advice),
    advice: (code) => advice[code],
    sign({ action, region, request, host, nowMs }, credentials) {
      const body = JSON.stringify(request);
      const timestamp = Math.floor(nowMs / 1000);
      const headers = {
        host,
        'content-type': CONTENT_TYPE,
        'x-tc-action': action,
        'x-tc-version': api.version,
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
function rememberedSigner(service: string): (host: string, credentials: TencentCredentials) => Tc3Signer {
  const known = new Map<string, { signer: Tc3Signer; id: string; key: string }>();
  return (host, credentials) => {
    const { secretId: id, secretKey: key } = credentials;
    const last = known.get(host);
    if (last?.id === id && last.key === key) return last.signer;
    const signedHeaders = { 'content-type': CONTENT_TYPE, host };
    const signer = createTc3Signer({ credentials, service, signedHeaders });
    known.set(host, { signer, id, key });
    return signer;
  };
}

type Advice = Readonly<Record<OwnCode, string>>;

const adviceOf = (title: string): Advice => ({
  InvalidRequest: "Mend the rule or the event: the request is outside the vendor's documented limits.",
  NoCredentials: 'Check where the credentials of this provider come from: they could not be read.',
  RateLimited:
    'Too many requests at once: fewer pollers or scripts should share this account, if it stays so.',
  Network: `Check that this machine reaches the ${title} endpoint: DNS, proxy, firewall.`,
  Timeout: 'The endpoint is slow or not reachable: check the network, and look whether the command ran.',
  Aborted: 'The call was cancelled from our side.',
  HttpStatus: `Something between here and ${title} answered: check the endpoint, proxies, and the vendor's status page.`,
  InvalidAnswer: `Check that the configured endpoint is ${title}: its answer has not the documented form.`,
});

/** 200, and yet not what the documents describe. */
export function invalidAnswer(message: string, kind: CallFailed['kind']): CallFailed {
  return ownFailed('InvalidAnswer', message, adviceOf(TAT.title).InvalidAnswer, kind);
}

/** `{"Response":{…}}`: the presence of `Error` decides, whatever the HTTP status; without it only 200 is an answer. */
function openEnvelope({ status, body }: HttpAnswer, ownAdvice: Advice): Opened {
  const response = responseOf(body);
  const requestId = typeof response?.['RequestId'] === 'string' ? response['RequestId'] : undefined;
  const error = response?.['Error'];
  const code = isRecord(error) ? error['Code'] : undefined;
  if (isRecord(error) && typeof code === 'string' && code !== '') {
    const message = error['Message'];
    const { class: errorClass, advice, isKnown = true } = explainErrorCode(code);
    return vendorFailed(errorClass, {
      code,
      message: typeof message === 'string' ? message : '',
      advice,
      ...(requestId !== undefined && { requestId }),
      ...(isKnown && errorClass === 'maybeDone' && { isOutage: true }),
      ...(errorClass === 'throttled' && { retryAfterMs: THROTTLED_RETRY_MS }),
    });
  }
  if (status !== 200) {
    return ownFailed('HttpStatus', `expected HTTP 200, got ${status}`, ownAdvice.HttpStatus, 'unknown');
  }
  if (response !== undefined && error === undefined) return { kind: 'answered', answer: response, requestId };
  const got = `expected {"Response":{…}}, got ${body.length} characters of something else`;
  return ownFailed('InvalidAnswer', got, ownAdvice.InvalidAnswer, 'unknown');
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
