/** `fleet-reflex events` as people call it, on an API that has three pages. */
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { command } from '../../../bin/commands/events.ts';
import { portOf } from '../../../local/stack/ports.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
const event = (hoursAgo: number, given: object = {}) => ({
  version: 1,
  action: 'event',
  source: 'alertmanager',
  eventId: `e${hoursAgo}`,
  type: 'alert.firing',
  receivedAt: new Date(NOW - hoursAgo * HOUR).toISOString(),
  matched: [],
  unmatched: [],
  ...given,
});
const PAGES = [
  { events: [event(1, { subject: 'Down', matched: [{ rule: 'restart', runId: 'run-1' }] })], cursor: 'a' },
  { events: [event(5), event(20)], cursor: 'b' },
  { events: [event(30)] },
];

let server: Server;
let asked: string[];
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const cursor = new URL(request.url ?? '', 'http://local').searchParams.get('cursor');
    response.end(JSON.stringify(PAGES[cursor === null ? 0 : cursor === 'a' ? 1 : 2]));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  vi.stubEnv('FLEET_REFLEX_URL', `http://127.0.0.1:${portOf(server)}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

async function events(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  vi.spyOn(console, 'log').mockImplementation((line) => out.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation((line) => err.push(String(line)));
  const code = await command.run(args);
  return { code, out, err };
}

it('lists those of a day, with what they started', async () => {
  const { code, out } = await events();
  const at = (hoursAgo: number) => event(hoursAgo).receivedAt.slice(0, 19).replace('T', ' ');
  expect({ code, out }).toEqual({
    code: 0,
    out: [
      `${at(1)}  alert.firing of alertmanager, about Down → restart`,
      `${at(5)}  alert.firing of alertmanager`,
      `${at(20)}  alert.firing of alertmanager`,
    ],
  });
});

it('asks for no more pages than it shows', async () => {
  await events('--since', new Date(NOW - 6 * HOUR).toISOString());
  expect(asked).toEqual(['/events?limit=100', '/events?limit=100&cursor=a']);
});

it('prints records whole for programs, of one source and until a time where asked', async () => {
  const { out } = await events('--since', '7d', '--until', '2h', '--source', 'alertmanager', '--json');
  expect(out.map((line) => JSON.parse(line))).toEqual([event(5), event(20), event(30)]);
  expect(asked[0]).toBe('/events?limit=100&source=alertmanager&include=event');
});

it('says when nothing came, and what a time looks like', async () => {
  const { code, err } = await events('--since', '1m');
  expect([code, err[0]]).toEqual([0, expect.stringMatching(/^No event came from \S+ to \S+\.$/)]);
  await expect(events('--since', 'yesterday')).rejects.toMatchObject({
    code: 'usage.invalid',
    details: { option: '--since' },
  });
});
