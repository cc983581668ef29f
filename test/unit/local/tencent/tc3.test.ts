/** The local TAT's verifier against vectors that the vendor's code, or the vendor, has made. */
import { describe, expect, it } from 'vitest';
import { authenticate, type Credential, type SignedRequest } from '../../../../local/tencent/tc3.ts';

/** Not real ones: the keys of the vectors. */
const ours: Credential = {
  secretId: `AKIDEXAMPLE${'0'.repeat(25)}`,
  secretKey: `SKEXAMPLE${'0'.repeat(23)}`,
};
const vendors: Credential = {
  secretId: ['AKIDz8krbsJ5yKBZQpn74', 'WFkmLPx3EXAMPLE'].join(''),
  secretKey: ['Gu5t9xGARNpq86cd', '98joQYCN3EXAMPLE'].join(''),
};
const NOW = 1_700_000_000;
const BODY = '{"CommandId":"cmd-ffxdx79i","InstanceIds":["lhins-ar5wyn40"]}';

interface Vector {
  credential: Credential;
  at: number;
  scope: string;
  headers: Record<string, string>;
  names: string;
  signature: string;
  body: string;
}

const vector = (more: Partial<Vector>): Vector => ({
  credential: ours,
  at: NOW,
  scope: '2023-11-14/tat/tc3_request',
  headers: { 'content-type': 'application/json', host: 'tat.intl.tencentcloudapi.com' },
  names: 'content-type;host',
  signature: '8621eb4157208e244e83da40aa2ef0bb40f8ec5bec2fb981d7e680eddbeb926b',
  body: BODY,
  ...more,
});

const VECTORS: [string, Vector][] = [
  ['the official SDK', vector({})],
  [
    'the documents, with the action signed in lower case',
    vector({
      headers: {
        'content-type': 'application/json; charset=utf-8',
        host: 'tat.intl.tencentcloudapi.com',
        'x-tc-action': 'InvokeCommand',
      },
      names: 'content-type;host;x-tc-action',
      signature: 'c37009ab3e02f3cb176e2dfec0ef67c300e2b543b7a0c3538e76710b601ca878',
    }),
  ],
  [
    'the official SDK on loopback, without the port and for the service 127',
    vector({
      scope: '2023-11-14/127/tc3_request',
      headers: { 'content-type': 'application/json', host: '127.0.0.1:8080' },
      signature: '15bac3dd022f68a143fbb62585fe9fcf38e55fe66083558b88977c4ae2dc3b8c',
    }),
  ],
  [
    'the vendor’s published example',
    vector({
      credential: vendors,
      at: 1_551_113_065,
      scope: '2019-02-25/cvm/tc3_request',
      headers: { 'content-type': 'application/json; charset=utf-8', host: 'cvm.tencentcloudapi.com' },
      signature: '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
      body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
    }),
  ],
];

const requestOf = (given: Vector): SignedRequest => ({
  method: 'POST',
  search: '',
  headers: {
    ...given.headers,
    'x-tc-timestamp': String(given.at),
    authorization: `TC3-HMAC-SHA256 Credential=${given.credential.secretId}/${given.scope}, SignedHeaders=${given.names}, Signature=${given.signature}`,
  },
  body: Buffer.from(given.body),
});

describe('a TC3 signature', () => {
  it.each(VECTORS)('of %s is right', (_name, given) => {
    expect(authenticate(requestOf(given), [ours, vendors], given.at)).toBe(given.credential);
  });

  it.each(VECTORS)('of %s is wrong for a body that differs in one byte', (_name, given) => {
    const request = requestOf({ ...given, body: given.body.replace('"', "'") });
    expect(() => authenticate(request, [ours, vendors], given.at)).toThrowError(
      expect.objectContaining({ code: 'AuthFailure.SignatureFailure' }),
    );
  });

  it.each([
    [300, undefined],
    [-300, undefined],
    [301, 'AuthFailure.SignatureExpire'],
    [-301, 'AuthFailure.SignatureExpire'],
  ])('%i seconds off answers %s', (seconds, code) => {
    const check = () => authenticate(requestOf(vector({})), [ours], NOW + seconds);
    if (code === undefined) expect(check()).toBe(ours);
    else expect(check).toThrowError(expect.objectContaining({ code }));
  });
});
