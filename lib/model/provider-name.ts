/**
 * The name of a cloud that runs commands. Which clouds there are is not for the model: what is stored or queued may
 * name one that this version does not know (lib/providers/registry.ts).
 */
import * as z from 'zod';

export const ProviderName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected the name of a cloud');
export type ProviderName = z.infer<typeof ProviderName>;
