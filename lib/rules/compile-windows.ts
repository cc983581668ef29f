/** Compiles the windows of the file and of its rules: which of them hold for which rule or schedule. */
import { isZone, nextOccurrence, problemOfCron } from '../guards/crontab.ts';
import type { FileWindow, FileWindows, Window, Windows } from '../model/window.ts';
import { closest, unknownName } from './did-you-mean.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import { FileWindowSpec, type WindowSpec } from './schema/windows.ts';

/** @param given what the file has under `freezes` or `only`. @param names of all rules and schedules */
export function compileFileWindows(
  kind: keyof FileWindows,
  given: readonly unknown[],
  names: readonly string[],
  problems: Problems,
): FileWindow[] {
  return given.flatMap((value, index) => {
    const path = [kind, index];
    const spec = FileWindowSpec.safeParse(value).data;
    if (spec === undefined) return [];
    for (const [at, name] of spec.except.entries()) {
      if (!names.includes(name)) {
        problems.add([...path, 'except', at], unknownName('rule or schedule', name, names));
      }
    }
    const window = compileWindow(spec, kind, path, problems);
    return window === undefined ? [] : [{ window, except: spec.except }];
  });
}

/** The windows that hold for a rule or a schedule; undefined where none does. */
export function windowsOf(
  name: string,
  own: { freezes?: readonly WindowSpec[] | undefined; only?: readonly WindowSpec[] | undefined },
  path: Path,
  { windows: { freezes, only }, problems }: { windows: FileWindows; problems: Problems },
): Windows | undefined {
  const ofFile = (windows: readonly FileWindow[]) =>
    windows.filter(({ except }) => !except.includes(name)).map(({ window }) => window);
  const ofRule = (kind: keyof FileWindows) =>
    (own[kind] ?? []).flatMap(
      (spec, index) => compileWindow(spec, kind, [...path, kind, index], problems) ?? [],
    );
  const frozen = [...ofFile(freezes), ...ofRule('freezes')];
  const allowed = [ofFile(only), ofRule('only')].filter((windows) => windows.length > 0);
  if (frozen.length === 0 && allowed.length === 0) return undefined;
  return {
    ...(frozen.length > 0 && { freezes: frozen }),
    ...(allowed.length > 0 && { only: allowed }),
  };
}

function compileWindow(
  { name, cron, zone, for: forMs }: WindowSpec,
  kind: keyof FileWindows,
  path: Path,
  problems: Problems,
): Window | undefined {
  const before = problems.found.length;
  if (!isZone(zone)) {
    const guess = closest(zone, Intl.supportedValuesOf('timeZone'));
    const instead = guess === undefined ? 'write one like Asia/Shanghai' : `did you mean \`${guess}\`?`;
    problems.add([...path, 'zone'], `there is no time zone \`${zone}\`; ${instead}`);
  }
  const wrong = problemOfCron(cron);
  if (wrong !== undefined) {
    problems.add(
      [...path, 'cron'],
      `expected five crontab fields (minute, hour, day of month, month, day of week), came ${JSON.stringify(cron)}: ${wrong}`,
    );
  }
  if (problems.found.length > before) return undefined;
  const window = { name, cron, zone, forMs };
  if (nextOccurrence(window, new Date()).until === undefined) {
    const effect = kind === 'freezes' ? 'nothing would ever be sent' : 'it would forbid nothing';
    problems.add([...path, 'for'], `the window never closes: it opens again before it ends, and ${effect}`);
    return undefined;
  }
  return window;
}
