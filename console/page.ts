/** The page, built when it is imported (`#console`): a packaged function has it built (scripts/esbuild-plugins.cjs). */
import { buildPage } from './build.ts';

export const page = await buildPage();
