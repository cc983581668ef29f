/** Compiles `waves`: each size becomes a count or a share. */
import type { WaveSize, Waves } from '../model/waves.ts';
import type { WavesSpec } from './schema/waves.ts';

export function compileWaves({ sizes, pause, stopAfterFailures, onStop }: WavesSpec): Waves {
  const given = Array.isArray(sizes) ? sizes : [sizes];
  return { sizes: given.map(sizeOf), pauseMs: pause, stopAfterFailures, onStop };
}

function sizeOf(size: number | string): WaveSize {
  return typeof size === 'number' ? { instances: size } : { percent: Number(size.slice(0, -1)) };
}
