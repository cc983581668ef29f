/** The frame of the local clouds, around the smallest cloud there can be: what befalls a request, limit, port and stop. */
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { systemClock } from '../../../../lib/providers/clock.ts';
import { createBuckets } from '../../../../local/fleet/buckets.ts';
import { CloudError } from '../../../../local/server/cloud-error.ts';
import { type Cloud, startCloudServer } from '../../../../local/server/cloud-server.ts';
import { createFaults, hitsInstance, REQUEST_FAULTS } from '../../../../local/server/faults.ts';

const Task = z.strictObject({ ...hitsInstance, kind: z.literal('task') });
const Delivery = z.strictObject({ ...hitsInstance, kind: z.literal('delivery') });
const Fault = z.discriminatedUnion('kind', [...REQUEST_FAULTS, Task, Delivery]);
type Fault = z.input<typeof Fault>;

const done: string[] = [];
const closed: string[] = [];

function cloudOf(name: string): Cloud {
  return {
    name,
    portVariable: 'SMALL_PORT',
    objectsPath: '/_objects/',
    limit: { requests: 1000, windowMs: 60_000, window: 'sliding' },
    actionOf: ({ path }) => path.slice(1),
    admit({ path, query }, skewMs) {
      if (skewMs > 0) throw new CloudError('Late', 'it is too late', 401);
      return {
        action: path.slice(1),
        throttleKey: name,
        async perform({ begins, lateVisibilityMs }) {
          await begins();
          if (query.has('break')) throw new Error('a secret of the inside');
          done.push(path.slice(1));
          return { did: path.slice(1), lateVisibilityMs };
        },
      };
    },
    envelope: {
      newRequestId: () => 'r-1',
      headers: (requestId) => ({ 'x-request': requestId }),
      retryAfter: (delayMs) => ({ 'x-wait': String(delayMs) }),
      answer: (result, requestId) => ({ ...result, requestId }),
      error: ({ code, message }) => ({ code, message }),
      faultsRefusal: ({ status, code }) => ({ status, body: { code } }),
    },
    errorOf: (code) => new CloudError(code, 'as documented', 418),
    unexpected: () => new CloudError('Inside', 'something broke', 500),
    tooFrequent: new CloudError('TooMany', 'slow down', 429),
    forbidden: (detail) => new CloudError('Forbidden', detail, 403),
    close: () => closed.push(name),
  };
}

const start = (cloud: Cloud, port?: number) =>
  startCloudServer({
    cloud,
    faults: createFaults<Fault, z.output<typeof Task>, z.output<typeof Delivery>>(Fault),
    buckets: createBuckets('/nowhere'),
    clock: systemClock,
    port,
  });

const server = await start(cloudOf('small'));
afterAll(() => server.stop());
beforeEach(() => {
  server.faults.clear();
  done.length = 0;
});

/** What a program sees; `gone` where the connection was closed without an answer. */
async function ask(path: string, url = server.url) {
  try {
    const response = await fetch(`${url}${path}`);
    const wait = response.headers.get('x-wait');
    return { status: response.status, ...(wait !== null && { wait }), body: await response.text() };
  } catch {
    return 'gone';
  }
}

const json = (value: object) => JSON.stringify(value);
const ran = json({ did: 'Run', lateVisibilityMs: 0, requestId: 'r-1' });

test.each<{ fault: Fault; answer: object | 'gone'; happens: boolean }>([
  {
    fault: { kind: 'error', code: 'E' },
    answer: { status: 418, body: json({ code: 'E', message: 'as documented' }) },
    happens: false,
  },
  {
    fault: { kind: 'error', code: 'E', message: 'words', httpStatus: 503, isAfter: true },
    answer: { status: 503, body: json({ code: 'E', message: 'words' }) },
    happens: true,
  },
  {
    fault: { kind: 'throttle' },
    answer: { status: 429, body: json({ code: 'TooMany', message: 'slow down' }) },
    happens: false,
  },
  {
    fault: { kind: 'throttle', retryAfterMs: 7 },
    answer: { status: 429, wait: '7', body: json({ code: 'TooMany', message: 'slow down' }) },
    happens: false,
  },
  { fault: { kind: 'httpStatus', status: 502 }, answer: { status: 502, body: '' }, happens: false },
  { fault: { kind: 'dropBefore' }, answer: 'gone', happens: false },
  { fault: { kind: 'dropAfter' }, answer: 'gone', happens: true },
  { fault: { kind: 'garbage', body: '<html>' }, answer: { status: 200, body: '<html>' }, happens: true },
  {
    fault: { kind: 'clockSkew', seconds: 1 },
    answer: { status: 401, body: json({ code: 'Late', message: 'it is too late' }) },
    happens: false,
  },
  {
    fault: { kind: 'lateVisibility', ms: 5 },
    answer: { status: 200, body: ran.replace(':0', ':5') },
    happens: true,
  },
])('under $fault a request is answered $answer', async ({ fault, answer, happens }) => {
  server.faults.add(fault);
  expect(await ask('/Run')).toEqual(answer);
  expect(done).toEqual(happens ? ['Run'] : []);
  expect(await ask('/Run')).toEqual({ status: 200, body: ran });
});

test('an error of ours says nothing of the inside, and is told on this side', async () => {
  const told = vi.spyOn(console, 'error').mockReturnValue();
  expect(await ask('/Run?break=')).toEqual({
    status: 500,
    body: json({ code: 'Inside', message: 'something broke' }),
  });
  expect(told).toHaveBeenCalledExactlyOnceWith('local.small.unexpected', expect.any(Error));
  told.mockRestore();
});

test('a list of faults of which one is none adds none of them', async () => {
  expect(() => server.faults.addUnchecked([{ kind: 'dropAfter' }, { kind: 'dropAftr' }])).toThrow(/kind/);
  expect(server.faults.list()).toEqual([]);
});

test('what is over the limit does not happen and is not counted', async () => {
  const one = await start({
    ...cloudOf('limited'),
    limit: { requests: 1, windowMs: 60_000, window: 'sliding' },
  });
  const answers = [await ask('/Run', one.url), await ask('/Run', one.url)];
  await one.stop();
  expect(answers).toMatchObject([{ status: 200 }, { status: 429 }]);
  expect([done, one.requestCounts]).toEqual([['Run'], { Run: 1 }]);
});

test('a port that is taken says which variable sets it, and leaves nothing that runs by itself', async () => {
  await expect(start(cloudOf('second'), server.port)).rejects.toMatchObject({
    code: 'local.port-in-use',
    details: { variable: 'SMALL_PORT', port: server.port },
  });
  expect(closed).toContain('second');
});

test('a stop ends connections that are open, and what runs by itself', async () => {
  const stopped = await start(cloudOf('stopped'));
  stopped.faults.add({ kind: 'beginLate', ms: 50 });
  const open = ask('/Run', stopped.url);
  await vi.waitFor(() => expect(stopped.requestCounts).toEqual({ Run: 1 }));
  await stopped.stop();
  expect([await open, closed.includes('stopped')]).toEqual(['gone', true]);
});
