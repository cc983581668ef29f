// Read by serverless.yml: who hears of an alarm. CommonJS, for the Serverless Framework reads no other.
const ARN = /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;
/** Stages whose alarms may wake nobody. */
const QUIET = new Set(['local', 'dev']);

/** @returns the ARNs of the topics; a stage that names none is packaged with a warning, and not deployed */
module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  const given = await resolveVariable('param:alarmTopics');
  const topics = [given].flat().flatMap((text) => text.split(',').map((it) => it.trim()));
  const named = topics.filter((it) => it !== '' && it !== 'none');
  const wrong = named.filter((it) => !ARN.test(it));
  if (wrong.length > 0)
    throw new Error(
      `alarmTopics of the stage ${stage}: expected ARNs of SNS topics, or none; got ${wrong.join(', ')}.`,
    );
  if (named.length === 0 && !topics.includes('none') && !QUIET.has(stage)) {
    const said = `No alarm of the stage ${stage} tells anybody: name SNS topics, \`params: { ${stage}: { alarmTopics: [<arn>] } }\` in serverless.yml or \`--param alarmTopics=<arn>,<arn>\`, or write \`none\` if you mean it.`;
    if (process.argv.includes('deploy') || process.env.npm_lifecycle_event === 'deploy')
      throw new Error(said);
    console.error(said);
  }
  return named;
};
