/** A push: a provider says that an invocation has changed. */
import * as z from 'zod';
import { ProviderName } from './provider-name.ts';

/** A provider's notice that an invocation has changed; the facts are read from its API. */
export const InvocationNews = z.strictObject({ provider: ProviderName, invocationId: z.string().min(1) });
export type InvocationNews = z.infer<typeof InvocationNews>;
