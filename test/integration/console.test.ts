/** The web console in a real browser, against the local stack with commands that really run. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BROWSER_START_MS, openTab, startBrowser } from '../fixtures/browser.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { anAlert, bearer, post, theRunOf } from './local-stack-client.ts';

const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
const RULES = `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets: { web: { provider: tencent, instances: [ins-web000001, ins-web000002, ins-web000003] } }
rules:
  - name: print-it
    on: alertmanager
    when: event.data.name.startsWith('Print')
    run: { fleet: web, command: cmd-print0001, instances: [ins-web000001] }
  - name: sleep-long
    on: alertmanager
    when: event.data.name == 'Sleep'
    run: { fleet: web, command: cmd-sleep0001, instances: [ins-web000002] }
  - name: roll-out
    on: alertmanager
    when: event.data.name == 'Roll'
    run: { fleet: web, command: cmd-print0001, waves: { sizes: [1, 2] } }
  - name: stop-first
    on: alertmanager
    when: event.data.name.startsWith('Stop')
    run: { fleet: web, command: cmd-fail00001, waves: { sizes: [1] } }
  - name: ask-first
    on: alertmanager
    when: event.data.name.startsWith('Ask')
    run: { fleet: web, command: cmd-print0001, instances: [ins-web000003] }
    approval: { users: [U0BOB00000], expires: 30m }`;
const MACHINES = `version: 1
instances: [{ id: ins-web000001 }, { id: ins-web000002 }, { id: ins-web000003 }]
commands:
  - { id: cmd-print0001, name: print, content: ${JSON.stringify(`echo '${HOSTILE.replaceAll("'", `'"'"'`)}'`)} }
  - { id: cmd-fail00001, name: fail, content: 'exit 3' }
  - { id: cmd-sleep0001, name: sleep, content: 'sleep 60' }`;

let stack: TestStack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startTestStack({ rules: RULES, fleet: MACHINES }), startBrowser()]);
}, STACK_START_MS + BROWSER_START_MS);

const alert = async (name: string) =>
  theRunOf(await post(stack, '/hooks/alertmanager', anAlert(name), bearer(stack.secretOf('alertmanager'))));

async function signIn(page: Page, token = stack.runsToken): Promise<void> {
  await page.goto(`${stack.httpUrl}/console`);
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** What axe calls serious or worse. */
async function barriersOf(page: Page): Promise<string[]> {
  // The page's policy allows no script but its own: this one comes past it, as a browser's extension does.
  await page.evaluate(axe.source);
  const violations = await page.evaluate<{ id: string; impact: string; nodes: { html: string }[] }[]>(
    'axe.run().then(({ violations }) => violations)',
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describe('the console', { timeout: 60_000 }, () => {
  it('shows a run from its alert to its output, which stays text', async () => {
    const { page, complaints } = await openTab(browser);
    await signIn(page);
    await alert('Print');
    await page.getByRole('link', { name: /print-it/ }).click();
    await page.getByRole('heading', { name: /print-it/ }).waitFor();
    const output = page.getByLabel('Output of ins-web000001');
    await output.waitFor();
    expect((await output.textContent())?.trim()).toBe(HOSTILE);
    expect(await page.title()).not.toBe('owned');
    await page.getByText('matched').waitFor();
    expect(await barriersOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('cancels a run, and shows that it was stopped and by whom', async () => {
    const { page } = await openTab(browser);
    await signIn(page);
    const runId = await alert('Sleep');
    await page.goto(`${stack.httpUrl}/console#/runs/${runId}`);
    await page.locator('.status', { hasText: 'running' }).first().waitFor();
    await page.getByRole('button', { name: 'Cancel run' }).click();
    await page.locator('h1 .status', { hasText: 'stopped' }).waitFor();
    await page.getByText('Cancelled by').waitFor();
    expect(await page.getByRole('button', { name: 'Cancel run' }).count()).toBe(0);
  });

  it('shows on a phone what will run, and runs it when a person says yes', async () => {
    const { page } = await openTab(browser, { viewport: { width: 390, height: 844 }, hasTouch: true });
    await signIn(page);
    await alert('Ask');
    await page.getByRole('heading', { name: 'Waiting for a person' }).waitFor();
    await page.getByRole('link', { name: /ask-first/ }).tap();
    const script = await page.getByLabel('The script that will run').textContent();
    expect(script).toContain(HOSTILE.slice(0, 20));
    expect(await barriersOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Approve' }).tap();
    await page.locator('h1 .status', { hasText: 'succeeded' }).waitFor();
    await page.getByText('approved by local').waitFor();
  });

  it('runs nothing that a person denies', async () => {
    const { page } = await openTab(browser);
    await signIn(page);
    const runId = await alert('Ask again');
    await page.goto(`${stack.httpUrl}/console#/runs/${runId}`);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.locator('h1 .status', { hasText: 'rejected' }).waitFor();
    await page.getByText('approval.denied').waitFor();
  });

  it('resumes a rollout that stopped in the middle', async () => {
    const { page } = await openTab(browser);
    await signIn(page);
    const runId = await alert('Stop');
    await page.goto(`${stack.httpUrl}/console#/runs/${runId}`);
    await page.locator('h1 .status', { hasText: 'partly failed' }).waitFor();
    await page.getByRole('button', { name: 'Resume run' }).click();
    await page.getByText('as a run of its own').waitFor();
  });

  it('shows a token that may only read why it may not act', async () => {
    const { page } = await openTab(browser);
    await signIn(page, 'local-read-token');
    await page.getByRole('button', { name: 'Freeze all runs' }).click();
    expect(await page.getByRole('alert').textContent()).toContain('the scope freeze');
  });

  it('freezes all runs, and lifts it', async () => {
    const { page } = await openTab(browser);
    await signIn(page);
    await page.getByLabel('Reason').fill('incident 4711');
    await page.getByRole('button', { name: 'Freeze all runs' }).click();
    await page.getByText('incident 4711').waitFor();
    const runId = await alert('Print while frozen');
    await page.goto(`${stack.httpUrl}/console#/runs/${runId}`);
    await page.locator('h1 .status', { hasText: 'rejected' }).waitFor();
    await page.getByRole('button', { name: 'Lift freeze' }).click();
    await page.getByRole('button', { name: 'Freeze all runs' }).waitFor();
  });

  it('shows the waves of a rollout on a phone, without a line that is wider than the screen', async () => {
    const { page } = await openTab(browser, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await signIn(page);
    const runId = await alert('Roll');
    await page.goto(`${stack.httpUrl}/console#/runs/${runId}`);
    await page.getByText('Wave 2 of 2').waitFor();
    await page.locator('h1 .status', { hasText: 'succeeded' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await barriersOf(page)).toEqual([]);
    await page.goto(`${stack.httpUrl}/console#/`);
    await page.getByRole('link', { name: /roll-out/ }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await barriersOf(page)).toEqual([]);
  });

  it('says why an event started nothing', async () => {
    const { page } = await openTab(browser);
    await signIn(page);
    await post(stack, '/hooks/alertmanager', anAlert('Other'), bearer(stack.secretOf('alertmanager')));
    await page.getByRole('link', { name: 'Events' }).click();
    await page.getByText('started nothing').first().click();
    await page.getByText('event.data.name ==').first().waitFor();
    expect(await barriersOf(page)).toEqual([]);
  });

  it('lets a person in by the keyboard alone', async () => {
    const { page } = await openTab(browser);
    await page.goto(`${stack.httpUrl}/console`);
    await page.locator('input:focus').waitFor();
    await page.keyboard.type(stack.runsToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  });

  it('lets nobody in with another token, and says so', async () => {
    const { page } = await openTab(browser);
    await signIn(page, 'a-guess-of-a-token');
    expect(await page.getByRole('alert').textContent()).toContain('not a live token');
    expect(await barriersOf(page)).toEqual([]);
  });

  it('is one page under 100 KB that may load nothing and be framed by nobody', async () => {
    const answer = await fetch(`${stack.httpUrl}/console`);
    const html = await answer.text();
    expect(Buffer.byteLength(html)).toBeLessThan(100_000);
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    const again = await fetch(`${stack.httpUrl}/console`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await fetch(`${stack.httpUrl}/console`, { method: 'POST' })).status).toBeGreaterThanOrEqual(404);
  });
});
