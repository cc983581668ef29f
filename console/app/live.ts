/** Asks again and again while the page is visible, and keeps the last answer while the API does not answer. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Api, Problem } from './api.ts';

export interface Live<Answer> {
  answer?: Answer;
  /** What the last question failed with; `answer` is the one before, then. */
  problem?: Problem;
  /** Ask now: something was changed. */
  refresh: () => void;
}

const RETRY_MS = 1_000;
/** After a failure the wait doubles, up to this. */
const MAX_WAIT_MS = 30_000;

/**
 * @param path undefined: nothing is asked
 * @param everyMs how long to wait after an answer, or what says so; undefined: once
 */
export function useLive<Answer>(
  api: Api,
  path: string | undefined,
  everyMs: number | undefined | ((answer: Answer) => number),
): Live<Answer> {
  const [state, setState] = useState<Omit<Live<Answer>, 'refresh'> & { path?: string }>({});
  const [asked, setAsked] = useState(0);
  const wait = useRef(everyMs);
  wait.current = everyMs;

  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer: number | undefined;
    let failures = 0;
    const ask = async (): Promise<void> => {
      try {
        const answer = await api.get<Answer>(path, stop.signal);
        if (stop.signal.aborted) return;
        failures = 0;
        setState({ path, answer });
        askAgainAfter(typeof wait.current === 'function' ? wait.current(answer) : wait.current);
      } catch (thrown) {
        if (stop.signal.aborted) return;
        const problem = thrown instanceof Problem ? thrown : new Problem(0, 'console', String(thrown));
        setState((before) => (before.path === path ? { ...before, problem } : { path, problem }));
        if (problem.status === 401) return;
        // A run that was just asked for is not stored yet: that is no reason to ask more and more seldom.
        failures = problem.status === 404 ? 0 : failures + 1;
        askAgainAfter(Math.min(MAX_WAIT_MS, RETRY_MS * 2 ** failures));
      }
    };
    const askAgainAfter = (afterMs: number | undefined): void => {
      window.clearTimeout(timer);
      if (afterMs !== undefined && !document.hidden) timer = window.setTimeout(() => void ask(), afterMs);
    };
    const onVisible = (): void => {
      if (!document.hidden) void ask();
    };
    document.addEventListener('visibilitychange', onVisible);
    void ask();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [api, path, asked]);

  const refresh = useCallback(() => setAsked((count) => count + 1), []);
  const isOld = state.path !== path;
  return { ...(isOld ? {} : state), refresh };
}
