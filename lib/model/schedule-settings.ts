/** What a schedule at a provider carries beside its command: kept with it, and compared. */
import * as z from 'zod';
import { InvocationOptions } from './invocation-options.ts';

/** How its command runs, where the spec says more than the stored command. */
export const ScheduleSettings = z.strictObject({
  timeoutSeconds: z.int().min(1).max(86_400).optional(),
  workingDirectory: z.string().optional(),
  ...InvocationOptions.shape,
});
export type ScheduleSettings = z.infer<typeof ScheduleSettings>;
