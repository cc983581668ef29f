/** `GET /console`: the web console, one page. What it shows it asks the API for, with the token of who looks at it. */
import { page } from '#console';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

export const handler = madeWhenCalled(async () => {
  const [{ ConsoleConfig, readConfig }, { pageHandler }, { logOf }] = await Promise.all([
    import('../lib/config.ts'),
    import('../lib/http/page.ts'),
    import('../lib/wiring/log.ts'),
  ]);
  return pageHandler(page, logOf('console', readConfig(ConsoleConfig)));
});
