/** All suites of `npm run faults`. */
import { processes } from './processes/suite.ts';
import { seeds } from './seeds/suite.ts';
import type { Suite } from './suite.ts';

export const SUITES: readonly Suite[] = [processes, seeds];
