/** Waves of a rules file: what the request says, and what is wrong with them, with its place. */
import { describe, expect, it, test } from 'vitest';
import { cutIntoWaves } from '../../../lib/model/waves.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import { anAlert, NOW, problemsIn, rulesOf } from './events.ts';

const ruleWith = (waves: string) =>
  `  - { name: patch, on: alertmanager, run: { provider: tencent, command: cmd-1, instances: [ins-1], waves: ${waves} } }`;

function wavesOf(text: string) {
  const [rule] = rulesOf(ruleWith(text)).rules;
  if (rule === undefined) throw new Error('no rule');
  const request = renderRule(rule, anAlert(), { now: NOW });
  return request.action === 'run' ? request.waves : undefined;
}

describe('waves of a rule', () => {
  it('are in the request, with milliseconds', () => {
    expect(wavesOf('{ sizes: [1, 10%, 50%], pause: 2m, stopAfterFailures: 2, onStop: cancel }')).toEqual({
      sizes: [{ instances: 1 }, { percent: 10 }, { percent: 50 }],
      pauseMs: 120_000,
      stopAfterFailures: 2,
      onStop: 'cancel',
    });
  });

  it('have one size as well, and defaults', () => {
    expect(wavesOf('{ sizes: 5 }')).toEqual({
      sizes: [{ instances: 5 }],
      pauseMs: 0,
      stopAfterFailures: 1,
      onStop: 'finish',
    });
  });

  it.each(['0%', '101%', '1.5', '0', '[]', 'some', '[1, -2]'])(
    'of the size %s are a mistake of the file',
    (size) => {
      expect(
        problemsIn(
          `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nrules:\n${ruleWith(`{ sizes: ${size} }`)}`,
        ).join('\n'),
      ).toMatch(/sizes.*: expected (?!string)/);
    },
  );
});

test.each([
  [10, [{ instances: 1 }, { percent: 10 }, { percent: 50 }], [1, 1, 5, 3]],
  [3, [{ percent: 10 }], [1, 1, 1]],
  [15, [{ percent: 10 }], [2, 2, 2, 2, 2, 2, 2, 1]],
  [40, [{ instances: 5 }], [5, 5, 5, 5, 5, 5, 5, 5]],
  [2, [{ instances: 9 }], [2]],
])('%i instances in %j are waves of %j', (count, sizes, expected) => {
  const instances = Array.from({ length: count }, (_, index) => `ins-${index}`);
  const waves = cutIntoWaves(instances, sizes);
  expect(waves.map(({ length }) => length)).toEqual(expected);
  expect(waves.flat()).toEqual(instances);
});
