/** Ctrl-C, or a polite kill: the first asks to stop, the second does not wait any longer. */

export interface StopAsked {
  /** Resolves at the first. */
  asked: Promise<'asked'>;
  /** Aborted at the first. */
  signal: AbortSignal;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function whenAskedToStop(): StopAsked {
  const controller = new AbortController();
  const asked = new Promise<'asked'>((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        // What is still running is ended by its guards, which watch this process.
        if (controller.signal.aborted) process.exit(130);
        controller.abort();
        resolve('asked');
      });
    }
  });
  return { asked, signal: controller.signal };
}
