/**
 * The process in which cases are played, one after the other: it has queues, table and clouds, and its own clock. The
 * suite starts some of them and gives them cases over the channel of Node. Its argument is the file of bundle.ts.
 */
import { Case, type CaseResult } from './case.ts';
import { play } from './drive.ts';
import { functionsPool } from './functions.ts';
import { broken } from './invariants.ts';
import { SCENARIOS } from './scenarios.ts';
import { ahead, installClock, installServerClock, setAhead } from './shifted-clock.ts';
import { startWorld } from './world.ts';

installClock();
installServerClock();
const [, , bundle = ''] = process.argv;
const pool = functionsPool(2, bundle);
process.on('message', (message) => {
  void playCase(Case.parse(message), pool).then((result) => process.send?.(result));
});
process.on('disconnect', () => {
  void pool.stop().finally(() => process.exit(0));
});

async function playCase(
  { scenario: name, death }: Case,
  pool: ReturnType<typeof functionsPool>,
): Promise<CaseResult> {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const beganMs = performance.now();
  const beganAheadMs = ahead();
  const world = await startWorld(scenario);
  try {
    const { seen, passed, hasDied, complaints, lastLines } = await play(scenario, world, pool, death);
    const problems = [...complaints, ...(await broken(scenario, seen, world))];
    const realMs = performance.now() - beganMs;
    const lines = problems.length > 0 ? [...lastLines] : [];
    return {
      problems,
      passed: { ...passed },
      hasDied,
      lines,
      realMs,
      clockMs: ahead() - beganAheadMs + realMs,
    };
  } catch (thrown) {
    const problem = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return {
      problems: [problem],
      passed: {},
      hasDied: false,
      lines: [],
      realMs: performance.now() - beganMs,
      clockMs: 0,
    };
  } finally {
    await world.stop();
    setAhead(Math.ceil(ahead()));
  }
}
