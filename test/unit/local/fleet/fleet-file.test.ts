/** The fleet file is refused whole, with each place and what was expected there. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadFleet, parseFleet } from '../../../../local/fleet/fleet-file.ts';

const problemsOf = (text: string): string[] => {
  try {
    parseFleet(text, 'mine.yml');
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [String(error)];
  }
};

describe('the fleet file', () => {
  it('holds by default the instances and commands of the contract', () => {
    const fleet = loadFleet(new URL('../../../../local/fleet.yml', import.meta.url));
    expect(fleet.instances.map(({ id, kind, state, agent }) => [id, kind, state, agent])).toEqual([
      ['ins-local001', 'CVM', 'running', 'online'],
      ['ins-local002', 'CVM', 'running', 'online'],
      ['ins-local003', 'CVM', 'running', 'online'],
      ['lhins-local001', 'LIGHTHOUSE', 'running', 'online'],
      ['ins-stopped01', 'CVM', 'stopped', 'online'],
      ['ins-offline01', 'CVM', 'running', 'offline'],
      ['i-local001', 'ECS', 'running', 'online'],
      ['i-local002', 'ECS', 'running', 'online'],
      ['i-local003', 'ECS', 'running', 'online'],
      ['i-stopped01', 'ECS', 'stopped', 'online'],
      ['i-offline01', 'ECS', 'running', 'offline'],
    ]);
    expect(fleet.commands.map(({ id, content, enableParameter }) => [id, content, enableParameter])).toEqual([
      ['cmd-echo0001', 'echo {{text}}', true],
      ['cmd-sleep001', 'sleep {{seconds}}', true],
      ['cmd-fail0001', 'echo this command always fails >&2; exit 3', false],
      ['c-echo0001', 'echo {{text}}', true],
      ['c-sleep001', 'sleep {{seconds}}', true],
      ['c-fail0001', 'echo this command always fails >&2; exit 3', false],
    ]);
  });

  it('gives a command and an instance what the file does not say', () => {
    expect(
      parseFleet(
        'version: 1\ninstances: [{ id: rins-abcd }]\ncommands: [{ id: c-abcd, name: n, content: id }]',
      ),
    ).toEqual({
      version: 1,
      instances: [
        {
          id: 'rins-abcd',
          name: 'rins-abcd',
          state: 'running',
          tags: {},
          agent: 'online',
          os: 'linux',
          provider: 'tencent',
          kind: 'REGISTERINST',
        },
      ],
      commands: [
        {
          id: 'c-abcd',
          name: 'n',
          content: 'id',
          description: '',
          type: 'shell',
          enableParameter: false,
          defaultParameters: {},
          timeoutSeconds: 60,
          provider: 'alibaba',
        },
      ],
    });
  });

  it.each([
    ['a broken YAML', 'version: [1', [/^mine\.yml:1:\d+: .+/]],
    ['no version', 'instances: []', [/^mine\.yml:1:1: version: .*expected 1/]],
    [
      'an id of no cloud',
      'version: 1\ninstances:\n  - { id: vm-1 }',
      [
        /^mine\.yml:3:7: instances\.0\.id: expected ins-…, lhins-… or rins-… \(tencent\) or i-… or mi-… \(alibaba\)/,
      ],
    ],
    [
      'a state that there is not, and a misspelt key',
      'version: 1\ninstances:\n  - id: ins-abcd\n    state: off\n    agnt: offline',
      [/^mine\.yml:4:5: instances\.0\.state: .*"running"\|"stopped"/, /^mine\.yml:3:5: instances\.0: .*agnt/],
    ],
    [
      'the same id twice',
      'version: 1\ninstances:\n  - { id: ins-abcd }\n  - { id: ins-abcd }',
      [/^mine\.yml:4:7: instances\.1\.id: ins-abcd is there twice/],
    ],
    [
      'a time-out out of range',
      'version: 1\ninstances: []\ncommands:\n  - { id: cmd-abcd, name: n, content: id, timeoutSeconds: 0 }',
      [/^mine\.yml:4:\d+: commands\.0\.timeoutSeconds: .*>=1/],
    ],
  ])('refuses %s with its place and what was expected', (_name, text, problems) => {
    expect(problemsOf(text)).toEqual(problems.map((problem) => expect.stringMatching(problem)));
  });

  it('says which file cannot be read', () => {
    const missing = fileURLToPath(new URL('no-such-fleet.yml', import.meta.url));
    expect(() => loadFleet(missing)).toThrowError(
      expect.objectContaining({ code: 'fleet.unreadable', details: { file: missing } }),
    );
  });
});
