/**
 * Advice for a run that ended without being sent. Its id is derived from the event, so a repeated delivery finds this run
 * and starts nothing: the advice never is to send it again.
 */
export const ASK_ANEW =
  'This run stays as it is, also when the same event comes again: a new event starts a new run, or ask for it by hand.';
