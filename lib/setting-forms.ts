/** The forms that several settings of the environment have. */
import * as z from 'zod';

export const url = () => z.url({ protocol: /^https?$/, error: 'expected a URL, http:// or https://' });

/** A secret's value, or where it is: `ssm:<name>` or `secretsmanager:<id>`. */
export const secretReference = () => z.string().min(1);
