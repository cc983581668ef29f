import { useEffect, useRef, useState } from 'preact/hooks';
import { Alert } from './alert.tsx';
import { apiOf, Problem } from './api.ts';

/** @param why what ended the session before, if one did */
export function SignIn({ why, onToken }: { why?: string | undefined; onToken: (token: string) => void }) {
  const [problem, setProblem] = useState(why);
  const [isAsking, setIsAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // `autofocus` counts only for what the page came with.
  useEffect(() => field.current?.focus(), []);

  const signIn = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get('token') ?? '').trim();
    if (token === '')
      return setProblem('Enter an access token: one of RUNS_TOKEN, locally local-runs-token.');
    setIsAsking(true);
    try {
      await apiOf(token).get('/freeze');
      onToken(token);
    } catch (thrown) {
      setIsAsking(false);
      setProblem(textOf(thrown));
    }
  };

  return (
    <main class="sign-in">
      <h1>fleet-reflex</h1>
      <form onSubmit={(event) => void signIn(event)}>
        <label for="token">Access token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          ref={field}
        />
        <p class="hint">
          It stays in this tab, and ends with it. With the scope read you see everything and change nothing.
        </p>
        <button type="submit" class="primary" disabled={isAsking}>
          Sign in
        </button>
      </form>
      {problem !== undefined && <Alert>{problem}</Alert>}
    </main>
  );
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Problem)) return String(thrown);
  if (thrown.status === 401)
    return 'This is not a live token. Check that it is whole, and of this deployment.';
  return thrown.message;
}
