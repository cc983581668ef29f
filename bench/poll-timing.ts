/**
 * What looking costs and how late an end is told, computed with the loop that the poller runs, on simulated time: status
 * requests for each run and the wait from its end to its telling, beside a poller that asks about each run by itself each
 * five seconds. Nothing is measured by a clock here: the figures are the same on every machine.
 * Run: node bench/poll-timing.ts
 */
import { aSimulation } from '../test/unit/runs/simulated-scope.ts';

/** In flight at once; each takes between half and all of that time. */
const CASES = [
  { runs: 1, seconds: 40 },
  { runs: 20, seconds: 40 },
  { runs: 100, seconds: 120 },
  { runs: 1_000, seconds: 120 },
  { runs: 10_000, seconds: 300 },
] as const;
/** Of the peer: between two requests for one run. */
const PEER_EVERY_MS = 5_000;
/** Of the vendor, for all of its pollers. */
const PEER_RATE = 20;

for (const { runs, seconds } of CASES) {
  const world = aSimulation({ budgetMs: 3_600_000 });
  const ends = Array.from({ length: runs }, (_, index) => seconds * 500 * (1 + (index + 1) / runs));
  for (const endsMs of ends) world.sent(endsMs);
  await world.tend();
  const lags = world.lags();
  const { requests, index } = world.counts;
  // A run by itself is asked about as often as the rate lets all of them be.
  const everyMs = Math.max(PEER_EVERY_MS, (runs / PEER_RATE) * 1000);
  const peer = {
    requests: ends.reduce((sum, endsMs) => sum + Math.ceil(endsMs / everyMs), 0) / runs,
    lag: everyMs,
  };
  const figures = [
    ['status requests for each run', requests / runs, peer.requests],
    ['lag ms, p50', lags[Math.floor(lags.length / 2)] ?? 0, peer.lag / 2],
    ['lag ms, p99', lags[Math.ceil(lags.length * 0.99) - 1] ?? 0, peer.lag],
    ['readings of the index for each run', index / runs, undefined],
  ] as const;
  for (const [figure, ours, theirs] of figures) {
    console.log(
      JSON.stringify({
        bench: 'poll-timing',
        figure: `${figure}, ${runs} runs of up to ${seconds} s at once`,
        better: 'lower',
        ours: round(ours),
        ...(theirs !== undefined && { 'each run each 5 s': round(theirs), ratio: round(ours / theirs) }),
      }),
    );
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
