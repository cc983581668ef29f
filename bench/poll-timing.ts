/**
 * What polling costs and how late it is, computed from the same function that the poller uses: looks for one run,
 * and the wait from its end to the look that sees it, beside a poller that looks each minute and one that looks each
 * second. Nothing is measured by a clock here: the figures are the same on every machine.
 * Run: node bench/poll-timing.ts
 */
import { nextPollAt, POLL_TIMING } from '../lib/runs/poll-timing.ts';

const SECOND = 1000;
const DURATIONS = [0.5, 5, 30, 120, 600, 3600];
/** Where in its minute the run starts: the average over these is what a minute's schedule costs. */
const STARTS = Array.from({ length: 60 }, (_, second) => second);

interface Cost {
  looks: number;
  lagMs: number;
}

function ours(durationMs: number): Cost {
  const startedAt = new Date(0).toISOString();
  const run = { startedAt, timeoutSeconds: 2 * 3600, failedReadings: 0 };
  let at = nextPollAt(run, new Date(0), POLL_TIMING);
  let looks = 1;
  while (at.getTime() < durationMs) {
    at = nextPollAt(run, at, POLL_TIMING);
    looks += 1;
  }
  return { looks, lagMs: at.getTime() - durationMs };
}

function every(periodMs: number, durationMs: number): Cost {
  const costs = STARTS.map((second) => {
    const first = periodMs - ((second * SECOND) % periodMs || periodMs) || periodMs;
    let at = first;
    let looks = 1;
    while (at < durationMs) {
      at += periodMs;
      looks += 1;
    }
    return { looks, lagMs: at - durationMs };
  });
  const mean = (read: (cost: Cost) => number) =>
    costs.reduce((sum, cost) => sum + read(cost), 0) / costs.length;
  return { looks: mean(({ looks }) => looks), lagMs: mean(({ lagMs }) => lagMs) };
}

for (const seconds of DURATIONS) {
  const our = ours(seconds * SECOND);
  for (const [peer, period] of [
    ['each minute', 60 * SECOND],
    ['each second', SECOND],
  ] as const) {
    const their = every(period, seconds * SECOND);
    for (const [figure, read] of [
      ['looks', ({ looks }: Cost) => looks],
      ['lag ms', ({ lagMs }: Cost) => lagMs],
    ] as const) {
      console.log(
        JSON.stringify({
          bench: 'poll-timing',
          figure: `${figure}, a run of ${seconds} s`,
          better: 'lower',
          ours: round(read(our)),
          [peer]: round(read(their)),
          ratio: round(read(our) / read(their)),
        }),
      );
    }
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
