/** `waves`: a run that goes to its instances step by step. */
import * as z from 'zod';
import { durationBetween } from '../duration.ts';
import { DAY } from './words.ts';

const WAVE_SIZES_EXPECTED = 'expected a number of instances like 1, a share like 10%, or a list of such';

const WaveSizeSpec = z.union(
  [
    z.int().min(1).max(10_000),
    z.string().regex(/^([1-9][0-9]?|100)%$/, 'expected a percentage from 1% to 100%, like 10%'),
  ],
  {
    error: WAVE_SIZES_EXPECTED,
  },
);

export const WavesSpec = z
  .strictObject({
    sizes: z
      .union([WaveSizeSpec, z.array(WaveSizeSpec).min(1).max(100)], { error: WAVE_SIZES_EXPECTED })
      .describe(
        'How many instances the waves have: numbers, or percent of all instances of the run (rounded up, at least 1). The last size repeats until all are done; one number is the size of every wave.',
      ),
    pause: durationBetween(0, DAY)
      .prefault('0s')
      .describe('Between the end of a wave and the next one. Default: 0s.'),
    stopAfterFailures: z
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe(
        'With so many tasks that did not succeed (exit code, time-out, never started), in all waves so far, nothing more is started: `wave.stopped`. Default: 1.',
      ),
    onStop: z
      .enum(['cancel', 'finish'])
      .default('finish')
      .describe(
        'What is done then about tasks that still run: cancel them, or let them finish. Default: finish.',
      ),
  })
  .describe(
    'Run on one part of the instances after the other, in their order. A wave begins when every task of the one before has ended. `deadline` applies to each wave. Default: all at once.',
  );
export type WavesSpec = z.infer<typeof WavesSpec>;
