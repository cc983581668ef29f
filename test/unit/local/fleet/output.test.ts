/** What the two agents keep of an output, whatever the chunks it comes in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOUD_ASSISTANT_OUTPUT, outputKeeper, TAT_OUTPUT } from '../../../../local/fleet/output.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));

const keep = (policy: Parameters<typeof outputKeeper>[0], given: Buffer[]) => {
  const keeper = outputKeeper(policy);
  for (const chunk of given) keeper.add(chunk);
  return keeper.kept();
};

describe('the output that is kept', () => {
  it('is the first bytes, and the count of the rest, for TAT', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 0, max: 100 }), (given, capacity) => {
        const whole = Buffer.concat(given);
        expect(keep({ keep: 'head', capacity }, given)).toEqual({
          bytes: whole.subarray(0, capacity),
          dropped: Math.max(0, whole.length - capacity),
        });
      }),
    );
  });

  it('is the start and the end, with the middle cut out, for Cloud Assistant', () => {
    const sizes = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(chunks, sizes, sizes, (given, head, tail) => {
        const whole = Buffer.concat(given);
        const rest = whole.subarray(head);
        const kept = tail === 0 ? Buffer.alloc(0) : rest.subarray(-tail);
        expect(keep({ keep: 'head-and-tail', capacity: head + tail, head }, given)).toEqual({
          bytes: Buffer.concat([whole.subarray(0, head), kept]),
          dropped: rest.length - kept.length,
        });
      }),
    );
  });

  it('is 24 KB at the most', () => {
    const given = [Buffer.alloc(30_000, 'a'), Buffer.alloc(1000, 'b')];
    expect([TAT_OUTPUT, CLOUD_ASSISTANT_OUTPUT].map((policy) => keep(policy, given))).toEqual([
      { bytes: Buffer.alloc(24_576, 'a'), dropped: 6424 },
      { bytes: Buffer.concat([Buffer.alloc(23_576, 'a'), Buffer.alloc(1000, 'b')]), dropped: 6424 },
    ]);
  });
});
