/** Packages the service as a deployer does, in a folder of its own, and reads what came out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Whatever opens a connection fails, and says so. */
const NO_NETWORK = `import net from 'node:net';
net.Socket.prototype.connect = () => { throw new Error('packaging asked for the network'); };`;

export const Template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
export type Template = z.infer<typeof Template>;

export interface Packaging {
  exitCode: number | null;
  said: string;
  /** @throws when packaging failed */
  template(): Template;
  /** The files of a function's package, by path, and its size as it is uploaded. */
  files(functionName: string): { bytes: number; files: ReadonlyMap<string, Buffer> };
  remove(): void;
}

/** The sample is for everybody, and so for the local stack alone: its rules, for one person. */
export const RULES_FOR_ONE = readFileSync(join(ROOT, 'rules.yml'), 'utf8').replaceAll(
  "allow: { users: ['*'] }",
  'allow: { users: [U2CERLKJA] }',
);

export interface PackagingOptions {
  stage?: string;
  /** The text of rules.yml. */
  rules?: string;
  /** Other files of the folder, by name. */
  files?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  /** More of the command line. */
  args?: readonly string[];
}

/** `npx serverless package --stage prod`, without credentials and without a network. */
export async function packageService({
  stage = 'prod',
  rules = RULES_FOR_ONE,
  files = {},
  env = {},
  args = [],
}: PackagingOptions = {}): Promise<Packaging> {
  const folder = mkdtempSync(join(tmpdir(), 'serverless-test-'));
  for (const name of ['console', 'handlers', 'lib', 'node_modules', 'package.json']) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  for (const name of ['serverless.yml', 'scripts']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  for (const [name, text] of Object.entries({ 'rules.yml': rules, ...files }))
    writeFileSync(join(folder, name), text);
  const { PATH = '' } = process.env;
  const child = spawn(
    process.execPath,
    [join(ROOT, 'node_modules/serverless/bin/serverless.js'), 'package', '--stage', stage, ...args],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME: folder,
        ...env,
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(NO_NETWORK)}`,
      },
    },
  );
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
  await once(child, 'close');
  const built = join(folder, '.serverless');
  return {
    exitCode: child.exitCode,
    said: Buffer.concat(said).toString(),
    template: () =>
      Template.parse(
        JSON.parse(readFileSync(join(built, 'cloudformation-template-update-stack.json'), 'utf8')),
      ),
    files(functionName) {
      const zip = readFileSync(join(built, `${functionName}.zip`));
      return { bytes: zip.length, files: unzip(zip) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** By the central directory. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function unzip(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + size);
    files.set(name, method === 0 ? bytes : inflateRawSync(bytes));
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}
