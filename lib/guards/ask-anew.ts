/**
 * What a person does about a run that ended without being sent. Its id is made of the event, so that the same delivery
 * once more finds this run and starts nothing: nobody is advised to send it again.
 */
export const ASK_ANEW =
  'This run stays as it is, also when the same event comes again: a new event starts a new run, or ask for it by hand.';
