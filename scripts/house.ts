/**
 * The house rules of `npm run check`: folders of lib/ point one way, no files import each other in a circle, and
 * `model/` imports nothing of ours. Imports are read as text: the formatter gives each the same form.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';

/** What `import … from '…'`, `import '…'`, `export … from '…'` and `import('…')` name. */
const IMPORT = /(?:\bfrom |\bimport\(|\bimport )\s*'(\.{1,2}\/[^']+)'/g;
const ROOT = 'lib';

const importsOf = new Map(
  globSync(`${ROOT}/**/*.ts`)
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted()
    .map((file) => [file, readImports(file)] as const),
);

const problems = [...mutualFolders(), ...circles(), ...modelImports()];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function readImports(file: string): readonly string[] {
  const named = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, path = '']) => path);
  return [...new Set(named.map((path) => join(dirname(file), path)))];
}

/** `lib/runs` for `lib/runs/poll.ts`; a file of `lib/` itself is a room of its own. */
function roomOf(file: string): string {
  return file.split('/').slice(0, 2).join('/');
}

function mutualFolders(): string[] {
  const uses = new Map<string, string>();
  for (const [file, imports] of importsOf) {
    for (const path of imports) {
      const pair = `${roomOf(file)} ${roomOf(path)}`;
      if (roomOf(file) !== roomOf(path) && !uses.has(pair)) uses.set(pair, `${file} imports ${path}`);
    }
  }
  return [...uses].flatMap(([pair, example]) => {
    const [from = '', to = ''] = pair.split(' ');
    const back = uses.get(`${to} ${from}`);
    if (back === undefined || from > to) return [];
    return [
      `${from} and ${to} import each other: ${example}; ${back}. Move what both need into a lower room.`,
    ];
  });
}

/** A depth-first walk: an import of a file that is still open closes a circle. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, open: readonly string[]): void => {
    const at = open.indexOf(file);
    if (at >= 0) {
      const circle = [...open.slice(at), file].map((path) => relative(ROOT, path));
      found.push(`files import each other in a circle: ${circle.join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const path of importsOf.get(file) ?? []) walk(path, [...open, file]);
    done.add(file);
  };
  for (const file of importsOf.keys()) walk(file, []);
  return found;
}

function modelImports(): string[] {
  return [...importsOf].flatMap(([file, imports]) =>
    imports
      .filter((path) => roomOf(file) === 'lib/model' && roomOf(path) !== 'lib/model')
      .map((path) => `${file} imports ${path}: model/ is plain data and imports nothing of ours.`),
  );
}
