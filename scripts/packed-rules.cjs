// The rules of a deployment, read once for all that needs them when it is packaged: RULES_FILE, else `rules.<stage>.yml`
// if it is there, else `rules.yml`. CommonJS, for the Serverless Framework reads no other.
const { existsSync, readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

const ROOT = join(__dirname, '..');
const read = new Map();

/**
 * @param {{ stage: string, mayBeForEverybody?: boolean }} options
 * @returns {{ fileName: string, text: string, rules: import('../lib/rules/rule.ts').RuleSet }}
 * @throws when the file is not there, has a mistake, or lets everybody run commands outside of the stage `local`
 */
module.exports.packedRules = ({ stage, mayBeForEverybody = false }) => {
  const fileName = fileNameOf(stage);
  const known = read.get(fileName);
  if (known !== undefined) return known;
  const { loadRules } = require('../lib/rules/load.ts');
  const { digestOf } = require('../lib/rules/pack-rules.ts');
  const { SOURCES } = require('../lib/sources/registry.ts');
  const text = readFileSync(resolve(ROOT, fileName), 'utf8');
  const rules = loadRules(text, fileName, SOURCES.values());
  if (stage !== 'local' && !mayBeForEverybody) refuseEverybody(rules.rules, { fileName, stage });
  console.error(
    `Rules of the stage ${stage}: ${fileName}, ${rules.rules.length} rules, sha256 ${digestOf(text)}`,
  );
  read.set(fileName, { fileName, text, rules });
  return read.get(fileName);
};

function fileNameOf(stage) {
  const { RULES_FILE } = process.env;
  const fileName = RULES_FILE || [`rules.${stage}.yml`, 'rules.yml'].find((it) => existsSync(join(ROOT, it)));
  if (fileName !== undefined && existsSync(resolve(ROOT, fileName))) return fileName;
  throw new Error(
    RULES_FILE
      ? `RULES_FILE names ${RULES_FILE}, and no such file is in ${ROOT}. Nothing was packaged: correct it, or unset it to pack rules.${stage}.yml or rules.yml.`
      : `There is no rules.${stage}.yml and no rules.yml in ${ROOT}. Write one, or name it with RULES_FILE.`,
  );
}

/** As the sample does, which is for a laptop: who reaches the chat could run the commands of a fleet. */
function refuseEverybody(rules, { fileName, stage }) {
  const open = rules.flatMap(({ name, allow }) => (allow?.users.includes('*') ? [name] : []));
  if (open.length === 0) return;
  throw new Error(
    `${fileName}: ${open.join(', ')}: \`users: ['*']\` lets everybody in the chat run commands, and ${stage} is not the local stack. The sample rules.yml is so: it is for \`npm start\`. Write the ids of people or groups under \`allow\` (docs/sources.md says what they are), or put this stage's rules into rules.${stage}.yml. If everybody is meant, set the parameter: \`params: { ${stage}: { everybody: allowed } }\` in serverless.yml.`,
  );
}
