// Read by serverless.yml: the ARNs of what the rules send completion events to, so that the functions may send to these
// and to no other. `queues`: for every function that publishes; `places`: for `deliver`, which sends to all kinds.
// CommonJS, for the Serverless Framework reads no other; a rules file with a mistake stops the packaging with the
// loader's own message.
const { packedRules } = require('./packed-rules.cjs');

/** The deployment's own queues, whose names have its prefix: by their logical ids. */
const OWN = new Map(
  ['Events', 'Runs', 'Records', 'WakeUp', 'Deliveries', 'Completions'].map((id) => [
    id.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase(),
    `${id}Queue`,
  ]),
);
/** What need not be made; `default` is a bus of every account. */
const isThere = ({ kind, address }) =>
  (kind === 'sqs' && OWN.has(address)) || (kind === 'eventbridge' && address === 'default');

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  // The local stack has its own rules, and no policies.
  if (stage === 'local') return { queues: [], places: [] };
  const mayBeForEverybody = (await resolveVariable('param:everybody')) === 'allowed';
  const { addressOf, describeDestination } = require('../lib/model/destination-ref.ts');
  const { fileName, rules } = packedRules({ stage, mayBeForEverybody });
  const { destinations } = rules;
  for (const ref of destinations) refuseThisMachine(ref);
  sayWhatMustBeThere(destinations.filter((ref) => !('webhook' in ref) && !isThere(addressOf(ref))));
  const all = [{ kind: 'sqs', address: 'completions' }, ...destinations.map((ref) => addressOf(ref))];
  const queues = all.filter(({ kind }) => kind === 'sqs');
  return { queues: arnsOf(queues), places: arnsOf(all) };

  function refuseThisMachine(ref) {
    if (!('webhook' in ref) || ref.webhook.startsWith('https:')) return;
    throw new Error(
      `${fileName}: the destination ${describeDestination(ref)} is on this machine, where only the local stack reaches it. Name a public https URL.`,
    );
  }

  function sayWhatMustBeThere(refs) {
    if (refs.length === 0) return;
    const names = refs.map((ref) => describeDestination(ref)).join(', ');
    console.error(
      `${fileName}: this template does not make ${names}. \`npx fleet-reflex destinations\` asks the account whether they are there.`,
    );
  }
};

const ARNS = {
  sqs: (name) => `sqs:\${AWS::Region}:\${AWS::AccountId}:${name}`,
  sns: (name) => `sns:\${AWS::Region}:\${AWS::AccountId}:${name}`,
  eventbridge: (name) => `events:\${AWS::Region}:\${AWS::AccountId}:event-bus/${name}`,
  log: (name) => `logs:\${AWS::Region}:\${AWS::AccountId}:log-group:${name}:*`,
};

/** Of our own queues by reference, of all others by their names. */
function arnsOf(places) {
  const own = places.flatMap(({ kind, address }) => {
    const id = kind === 'sqs' ? OWN.get(address) : undefined;
    return id === undefined ? [] : [id];
  });
  const others = places.flatMap(({ kind, address }) => {
    const rest = ARNS[kind];
    if (rest === undefined || (kind === 'sqs' && OWN.has(address))) return [];
    return [`arn:\${AWS::Partition}:${rest(address)}`];
  });
  return [
    ...[...new Set(own)].sort().map((id) => ({ 'Fn::GetAtt': [id, 'Arn'] })),
    ...[...new Set(others)].sort().map((arn) => ({ 'Fn::Sub': arn })),
  ];
}
