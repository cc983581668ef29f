/** A rollout in waves: what a rule says of it, and what a run stores of how far it has come. */
import * as z from 'zod';

/** How many instances a wave has: so many, or so much of all the run's instances, rounded up. */
export const WaveSize = z.union([
  z.strictObject({ instances: z.int().min(1) }),
  z.strictObject({ percent: z.int().min(1).max(100) }),
]);
export type WaveSize = z.infer<typeof WaveSize>;

export const Waves = z.strictObject({
  /** Of the first wave, the second …; the last one repeats until no instance is left. */
  sizes: z.array(WaveSize).min(1),
  /** Between the end of a wave and the next one. */
  pauseMs: z.int().nonnegative(),
  /** With so many tasks that did not succeed, in all waves so far, nothing more is started. */
  stopAfterFailures: z.int().min(1),
  /** What is done about tasks that still run when it stops. */
  onStop: z.enum(['cancel', 'finish']),
});
export type Waves = z.infer<typeof Waves>;

/** The waves of a run, and how far it has come. The instances of each follow from the sizes. */
export const RunWaves = Waves.extend({
  /** How late after its time each further wave may be sent. */
  withinMs: z.int().positive(),
  /** Waves that have invocations. */
  begun: z.int().min(1),
  /** Present between two waves: when the next one is due, ISO 8601. */
  nextAt: z.string().optional(),
  /** Present where it was stopped: nothing more is started. */
  stop: z
    .strictObject({
      index: z.int().nonnegative(),
      at: z.string(),
      message: z.string(),
      /** Default: `wave.stopped`. */
      code: z.string().optional(),
    })
    .optional(),
});
export type RunWaves = z.infer<typeof RunWaves>;

/** The instances of each wave, in their order. */
export function cutIntoWaves(instances: readonly string[], sizes: readonly WaveSize[]): string[][] {
  const waves: string[][] = [];
  let from = 0;
  while (from < instances.length) {
    const size = sizes[Math.min(waves.length, sizes.length - 1)];
    if (size === undefined) return [[...instances]];
    const count =
      'instances' in size ? size.instances : Math.max(1, Math.ceil((instances.length * size.percent) / 100));
    waves.push(instances.slice(from, from + count));
    from += count;
  }
  return waves;
}
