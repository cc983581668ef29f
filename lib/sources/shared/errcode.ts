/** DingTalk and WeCom report in the answer's `errcode` whether a message arrived; the status is always 200. */
import * as z from 'zod';
import type { Verdict } from './channel.ts';

const Answer = z.object({ errcode: z.number() });

/** @param busy the codes that ask for a retry */
export function judgeErrcode(body: string, busy: ReadonlySet<number>): Verdict {
  const code = codeOf(body);
  if (code === undefined || code === 0) return 'arrived';
  return busy.has(code) ? 'busy' : 'gone';
}

function codeOf(body: string): number | undefined {
  try {
    return Answer.safeParse(JSON.parse(body)).data?.errcode;
  } catch {
    return undefined;
  }
}
