/** The port to which content each run was first asked for with, for as long as runs are kept. */
export interface Contents {
  /** @returns `taken` where another content asked for this run before; `ours` for the first, and when it comes again */
  claim(runId: string, hash: string, now: Date): Promise<'ours' | 'taken'>;
}
