/** How the local TAT refuses a web page: in the vendor's envelope, though with an HTTP status that says so too. */
import { randomUUID } from 'node:crypto';
import type { Door } from '../door/page-guard.ts';

export const TAT_DOOR: Door = {
  hasPages: false,
  // It takes JSON alone, and says so itself.
  takesForms: true,
  answer: ({ detail }) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      Response: {
        Error: { Code: 'UnauthorizedOperation', Message: detail },
        RequestId: randomUUID(),
      },
    }),
  }),
};
