// Read by serverless.yml: what its esbuild does beside bundling. CommonJS, for serverless-esbuild reads no other.
const { mkdirSync, writeFileSync } = require('node:fs');
const { basename, dirname, join } = require('node:path');
const { packedRules } = require('./packed-rules.cjs');

module.exports = (serverless) => [chunksOfTheirFunction, consolePage, rulesBesideThem(serverless)];

/**
 * Every function is built by itself into the folder of all of them, and packaged without the files that begin with
 * another function's name: its chunks get its name in front.
 */
const chunksOfTheirFunction = {
  name: 'chunks-of-their-function',
  setup({ initialOptions }) {
    const [entry] = initialOptions.entryPoints;
    initialOptions.chunkNames = `${basename(entry, '.ts')}.[name]-[hash]`;
  },
};

/** `#console` is the page, built: the function of the console holds it as a text. */
const consolePage = {
  name: 'console-page',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#console$/ }, () => ({ path: 'console', namespace: 'console-page' }));
    onLoad({ filter: /./, namespace: 'console-page' }, async () => {
      const { buildPage } = require('../console/build.ts');
      return { contents: `export const page = ${JSON.stringify(await buildPage())};` };
    });
  },
};

/**
 * The rules of a deployment are packaged compiled, as the functions' RULES_FILE, `rules.json`. The local stack compiles
 * its own file and names it in its environment. A file with a mistake stops the packaging.
 */
function rulesBesideThem(serverless) {
  const { environment = {} } = serverless.service.functions.webhook;
  let isWritten = false;
  return {
    name: 'rules-beside-them',
    setup({ initialOptions, onStart }) {
      onStart(() => {
        if (environment.RULES_FILE !== 'rules.json' || isWritten) return;
        isWritten = true;
        const { packRules } = require('../lib/rules/pack-rules.ts');
        const { SOURCES } = require('../lib/sources/registry.ts');
        // Who may start commands was asked before, when serverless.yml was read (destination-arns.cjs).
        const { text, rules } = packedRules({
          stage: serverless.service.provider.stage,
          mayBeForEverybody: true,
        });
        const root = dirname(initialOptions.outdir);
        mkdirSync(root, { recursive: true });
        writeFileSync(join(root, 'rules.json'), packRules(rules, text, [...SOURCES.values()]));
      });
    },
  };
}
