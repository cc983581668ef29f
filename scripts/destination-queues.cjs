// Read by serverless.yml: the ARNs of the queues that rules.yml sends completion events to, so that the functions may
// send to these and to no other. CommonJS, for the Serverless Framework reads no other; a rules file with a mistake
// stops the packaging with the loader's own message.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

module.exports = () => {
  const { loadRules } = require('../lib/rules/load.ts');
  const { SOURCES } = require('../lib/sources/registry.ts');
  const text = readFileSync(join(__dirname, '../rules.yml'), 'utf8');
  const { destinations } = loadRules(text, 'rules.yml', SOURCES.values());
  return [...new Set(['completions', ...destinations.map(({ sqs }) => sqs)])].sort().map((name) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:sqs:\${AWS::Region}:\${AWS::AccountId}:${name}`,
  }));
};
