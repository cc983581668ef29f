/** What of a developer's environment the local stack takes, and what for. */
import { describe, expect, it } from 'vitest';
import { processEnvironment, stackSettings } from '../../../../local/stack/own-environment.ts';

const SYSTEM = {
  PATH: '/bin',
  HOME: '/home/ann',
  LANG: 'C.UTF-8',
  LC_ALL: 'C',
  TMPDIR: '/tmp',
  TERM: 'xterm',
};
const SETTINGS = {
  HTTP_PORT: '3000',
  RULES_FILE: 'mine.yml',
  FLEET_FILE: 'fleet.yml',
  LOG_LEVEL: 'DEBUG',
  RUNS_TOKEN: 'a-token',
  SLACK_SECRET: 'a-secret',
  SLACK_REPLY_SECRET: 'a-reply-secret',
  STANDARD_WEBHOOKS_SECRET: 'another',
  AUDIT_DESTINATION_SECRET: 'of a web hook',
};
const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 'key',
  AWS_SESSION_TOKEN: 'token',
  AWS_PROFILE: 'prod',
  TENCENTCLOUD_SECRET_ID: 'id',
  TENCENTCLOUD_SECRET_KEY: 'key',
  TENCENT_CREDENTIALS: 'ssm:/prod',
  TENCENT_ENDPOINT: 'https://tat.tencentcloudapi.com',
  ALIBABA_CLOUD_ACCESS_KEY_ID: 'id',
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'key',
  ALIBABA_CREDENTIALS: 'ssm:/prod',
  GITHUB_TOKEN: 'ghp',
  NPM_TOKEN: 'npm',
  SSH_AUTH_SOCK: '/tmp/agent',
  CLIENT_SECRET: 'of something else',
  NODE_OPTIONS: '--require /tmp/x.cjs',
  HTTPS_PROXY: 'http://user:password@proxy',
};
const all = { ...SYSTEM, ...SETTINGS, ...KEYS };

describe("of a developer's environment", () => {
  it('every process of the stack has what a program needs, and nothing that is secret', () => {
    expect(processEnvironment(all)).toEqual(SYSTEM);
  });

  it('the functions have the settings of the stack, secrets of sources among them, and no key of a real cloud', () => {
    expect(stackSettings(all)).toEqual(SETTINGS);
  });
});
