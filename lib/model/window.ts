/** The windows that hold for a rule: when nothing of it is sent (`freezes`), and when alone something is (`only`). */
import * as z from 'zod';

/** It opens at each time of the crontab by the clocks of its zone, and stays open for so long. */
export const Window = z.strictObject({
  name: z.string().min(1).max(63),
  /** Five fields. */
  cron: z.string().min(1).max(200),
  /** IANA. */
  zone: z.string().min(1).max(64),
  /** Elapsed time: clocks that are changed meanwhile do not move the end. */
  forMs: z
    .int()
    .positive()
    .max(31 * 86_400_000),
});
export type Window = z.infer<typeof Window>;

export const Windows = z.strictObject({
  /** While one of them is open, nothing is sent. */
  freezes: z.array(Window).max(200).optional(),
  /** Of each list one must be open: that of the file, and the rule's own. */
  only: z.array(z.array(Window).min(1).max(200)).max(2).optional(),
});
export type Windows = z.infer<typeof Windows>;

/**
 * What becomes of a run while it is frozen, by the switch or a window: `wait` up to its deadline, `reject` at once.
 * Absent: one that comes in is rejected, one that the guards have let in waits.
 */
export const OnFreeze = z.enum(['wait', 'reject']);
export type OnFreeze = z.infer<typeof OnFreeze>;

/** A window of the whole file. */
export interface FileWindow {
  readonly window: Window;
  /** Names of rules and standing schedules. */
  readonly except: readonly string[];
}

/** The windows of the whole file; those of a rule are part of it. */
export interface FileWindows {
  readonly freezes: readonly FileWindow[];
  readonly only: readonly FileWindow[];
}

/** A window as people see it. */
export const WindowView = z.object({
  /** `freeze`: nothing is sent while it is open; `only`: something is sent while one of these is open alone. */
  kind: z.enum(['freeze', 'only']),
  name: z.string(),
  isOpen: z.boolean(),
  /** ISO 8601: when it opened, or opens next … */
  opensAt: z.string(),
  /** … and until when. Absent: for good. */
  until: z.string().optional(),
  /** IANA: whose clocks its crontab is by. */
  zone: z.string(),
  /** The rules and standing schedules that it does not concern. */
  except: z.array(z.string()),
});
export type WindowView = z.infer<typeof WindowView>;
