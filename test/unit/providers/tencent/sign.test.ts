/** TC3 against every published or independently computed vector that we have. */
import { describe, expect, it } from 'vitest';
import { createTc3Signer } from '../../../../lib/providers/tencent/sign.ts';

const JSON_TYPE = 'application/json';
const JSON_UTF8 = 'application/json; charset=utf-8';
const HOST = 'tat.intl.tencentcloudapi.com';
const AT = 1_700_000_000;

// Not secrets: placeholders.
const sheet = { secretId: `AKIDEXAMPLE${'0'.repeat(25)}`, secretKey: `SKEXAMPLE${'0'.repeat(23)}` };
const secondReading = {
  secretId: `AKIDEXAMPLE${'0'.repeat(24)}`,
  secretKey: `dummysecretkey${'0'.repeat(19)}`,
};
const published = {
  secretId: ['AKIDz8krbsJ5yKBZQpn74W', 'FkmLPx3EXAMPLE'].join(''),
  secretKey: ['Gu5t9xGARNpq86cd98joQYCN3', 'EXAMPLE'].join(''),
};
const sheetBody = '{"CommandId":"cmd-ffxdx79i","InstanceIds":["lhins-ar5wyn40"]}';
const secondBody = '{"CommandId":"cmd-ffxdx79i","InstanceIds":["ins-zcewfho0"]}';

const vectors = [
  {
    name: 'A: the official SDK',
    credentials: sheet,
    service: 'tat',
    signedHeaders: { 'content-type': JSON_TYPE, host: HOST },
    body: sheetBody,
    at: AT,
    date: '2023-11-14',
    signature: '8621eb4157208e244e83da40aa2ef0bb40f8ec5bec2fb981d7e680eddbeb926b',
  },
  {
    name: 'A2: the action signed too, its value in lower case',
    credentials: sheet,
    service: 'tat',
    signedHeaders: { 'content-type': JSON_UTF8, host: HOST, 'x-tc-action': 'InvokeCommand' },
    body: sheetBody,
    at: AT,
    date: '2023-11-14',
    signature: 'c37009ab3e02f3cb176e2dfec0ef67c300e2b543b7a0c3538e76710b601ca878',
  },
  {
    name: "B: Tencent's published example",
    credentials: published,
    service: 'cvm',
    signedHeaders: { 'content-type': JSON_UTF8, host: 'cvm.tencentcloudapi.com' },
    body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
    at: 1_551_113_065,
    date: '2019-02-25',
    signature: '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
  },
  {
    name: 'C: the official SDK against a local server',
    credentials: sheet,
    service: '127',
    signedHeaders: { 'content-type': JSON_TYPE, host: '127.0.0.1' },
    body: sheetBody,
    at: AT,
    date: '2023-11-14',
    signature: '15bac3dd022f68a143fbb62585fe9fcf38e55fe66083558b88977c4ae2dc3b8c',
  },
  {
    name: 'the second reading, at the endpoint',
    credentials: secondReading,
    service: 'tat',
    signedHeaders: { 'content-type': JSON_TYPE, host: HOST },
    body: secondBody,
    at: AT,
    date: '2023-11-14',
    signature: '48d62c500d22d729f105a2b7e0f9c228b1043eaa7f6a7dfbabd3702b1bc71bab',
  },
  {
    name: 'the second reading, local',
    credentials: secondReading,
    service: '127',
    signedHeaders: { 'content-type': JSON_TYPE, host: '127.0.0.1' },
    body: secondBody,
    at: AT,
    date: '2023-11-14',
    signature: '05d9cd62d48540f0e81742c873b8040cb6502d07dd70a2f66f0c91d330b1e948',
  },
];

describe('TC3 signature', () => {
  it.each(vectors)(
    'reproduces vector $name',
    ({ credentials, service, signedHeaders, body, at, date, signature }) => {
      const signer = createTc3Signer({ credentials, service, signedHeaders });
      const names = Object.keys(signedHeaders).join(';');
      const expected = `TC3-HMAC-SHA256 Credential=${credentials.secretId}/${date}/${service}/tc3_request, SignedHeaders=${names}, Signature=${signature}`;
      expect(signer.authorization(body, at)).toBe(expected);
      expect(signer.authorization(Buffer.from(body), at)).toBe(expected);
    },
  );

  it('changes scope and key at midnight UTC, and back', () => {
    const headers = { 'content-type': JSON_TYPE, host: HOST };
    const midnight = 1_700_006_400;
    const signAfresh = (at: number): string =>
      createTc3Signer({ credentials: sheet, service: 'tat', signedHeaders: headers }).authorization(
        sheetBody,
        at,
      );
    const signer = createTc3Signer({ credentials: sheet, service: 'tat', signedHeaders: headers });
    const times = [midnight - 1, midnight, midnight + 86_400, midnight - 1];
    expect(times.map((at) => signer.authorization(sheetBody, at))).toEqual(times.map(signAfresh));
    expect(times.map((at) => /\/(\d{4}-\d\d-\d\d)\//.exec(signer.authorization(sheetBody, at))?.[1])).toEqual(
      ['2023-11-14', '2023-11-15', '2023-11-16', '2023-11-14'],
    );
  });
});
