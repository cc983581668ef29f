/**
 * Notices that npm, which started this process, has gone. A signal that ends npm ends it alone: what it has started
 * would go on, and hold its ports.
 */
import { readFileSync } from 'node:fs';

const LOOK_MS = 250;

/** Calls back once, when the npm that runs this script is no more. Keeps no process alive. */
export function whenOrphaned(call: () => void): void {
  const npm = npmId();
  const timer = setInterval(() => {
    if (npmId() === npm) return;
    clearInterval(timer);
    call();
  }, LOOK_MS);
  timer.unref();
}

/** The parent, or the parent's parent where npm's shell stands between and this system tells. */
function npmId(): number {
  try {
    const isShell = readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').startsWith('sh\0-c\0');
    if (!isShell) return process.ppid;
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))?.[1]);
  } catch {
    return process.ppid;
  }
}
