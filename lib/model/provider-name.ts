/** The clouds that run commands. */
import * as z from 'zod';

export const ProviderName = z.enum(['tencent', 'alibaba']);
export type ProviderName = z.infer<typeof ProviderName>;
