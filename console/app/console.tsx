/** The frame: who is signed in, where one is, the freeze. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Route, Router, Switch, useLocation } from 'wouter-preact';
import { useHashLocation } from 'wouter-preact/use-hash-location';
import { type Api, apiOf } from './api.ts';
import { Events } from './events.tsx';
import { FreezeSwitch } from './freeze.tsx';
import { RunPage } from './run-page.tsx';
import { Runs } from './runs.tsx';
import { Schedules } from './schedules.tsx';
import { storedToken, storeToken } from './session.ts';
import { SignIn } from './sign-in.tsx';

export function Console() {
  const [token, setToken] = useState(storedToken);
  const [why, setWhy] = useState<string>();
  const end = (because?: string): void => {
    storeToken(undefined);
    setWhy(because);
    setToken(undefined);
  };
  const begin = (given: string): void => {
    storeToken(given);
    setWhy(undefined);
    setToken(given);
  };
  if (token === undefined) return <SignIn why={why} onToken={begin} />;
  return <Signed token={token} onEnd={end} />;
}

const PLACES = [
  ['/', 'Runs'],
  ['/events', 'Events'],
  ['/schedules', 'Schedules'],
] as const;

function Signed({ token, onEnd }: { token: string; onEnd: (because?: string) => void }) {
  const api = useMemo(() => guarded(apiOf(token), onEnd), [token]);
  return (
    <Router hook={useHashLocation}>
      <button type="button" class="skip" onClick={skipToMain}>
        Skip to the content
      </button>
      <header>
        <p class="brand">fleet-reflex</p>
        <nav aria-label="Pages">
          {PLACES.map(([path, name]) => (
            <Place key={path} path={path} name={name} />
          ))}
        </nav>
        <button type="button" class="quiet" onClick={() => onEnd()}>
          Sign out
        </button>
      </header>
      <FreezeSwitch api={api} />
      <Main api={api} />
    </Router>
  );
}

function Place({ path, name }: { path: string; name: string }) {
  const [location] = useLocation();
  const isHere = path === '/' ? location === '/' || location.startsWith('/runs') : location === path;
  return (
    <a href={`#${path}`} aria-current={isHere ? 'page' : undefined}>
      {name}
    </a>
  );
}

function Main({ api }: { api: Api }) {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${titleOf(location)} – fleet-reflex`;
    window.scrollTo(0, 0);
    // A screen reader hears that there is another page; not at the first, where it begins at the top anyway.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [location]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      <Switch>
        <Route path="/">{() => <Runs api={api} />}</Route>
        <Route path="/runs/:runId">{({ runId }) => <RunPage key={runId} api={api} runId={runId} />}</Route>
        <Route path="/events">{() => <Events api={api} />}</Route>
        <Route path="/schedules">{() => <Schedules api={api} />}</Route>
        <Route>
          <h1>There is no such page</h1>
          <p>
            <a href="#/">All runs</a>
          </p>
        </Route>
      </Switch>
    </main>
  );
}

function titleOf(location: string): string {
  const [, name] = PLACES.find(([path]) => path === location) ?? [];
  return name ?? (location.startsWith('/runs/') ? 'Run' : 'Not found');
}

/** Not a link: the hash is the router's. */
function skipToMain(): void {
  document.getElementById('main')?.focus();
}

/** A token that was revoked ends the session. */
function guarded(api: Api, onEnd: (because: string) => void): Api {
  const watch = async <Answer,>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await answer;
    } catch (thrown) {
      const { status } = thrown as { status?: number };
      if (status === 401) onEnd('The token is not live any more. Sign in with a live one.');
      throw thrown;
    }
  };
  return {
    get: async (path, signal) => await watch(api.get(path, signal)),
    send: async (method, path, body) => await watch(api.send(method, path, body)),
  };
}
