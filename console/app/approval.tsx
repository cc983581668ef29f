/** What exactly will run once somebody says yes, where, and who may say it; afterwards, who said what. */
import type { ApprovalView } from './answers.ts';
import { When } from './when.tsx';

export function Approval({ approval }: { approval: ApprovalView }) {
  const { verdict, by, at, why, until, plan } = approval;
  return (
    <section aria-labelledby="approval">
      <h2 id="approval">Approval</h2>
      {verdict === undefined ? (
        <p>
          {mayText(approval)}
          {until !== undefined && (
            <>
              {' '}
              It expires <When at={until} />.
            </>
          )}
        </p>
      ) : (
        <p>
          <strong>{verdict}</strong>
          {by !== undefined && ` by ${by}`} {at !== undefined && <When at={at} />}
          {why !== undefined && `: ${why}`}
        </p>
      )}
      {plan !== undefined && <Plan plan={plan} />}
    </section>
  );
}

function mayText({ users, channels }: ApprovalView): string {
  const people =
    users.length === 0
      ? 'A token with the scope approve'
      : `${users.join(', ')}, or a token with the scope approve,`;
  const where = channels.length === 0 ? '' : ` in ${channels.join(', ')}`;
  return `${people} may approve it${where}; never who asked for it.`;
}

function Plan({ plan }: { plan: NonNullable<ApprovalView['plan']> }) {
  const { script, scriptLength, settings, parameters, waves, wavesOmitted = 0 } = plan;
  const facts = Object.entries({ ...settings, ...parameters });
  const isWhole = scriptLength === undefined;
  return (
    <>
      <h3>This will run</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus */}
      <section class="output" tabIndex={0} aria-label="The script that will run">
        <pre>{script}</pre>
      </section>
      {!isWhole && (
        <p class="hint">
          Its first {script.length} characters of {scriptLength}.
        </p>
      )}
      <ul>
        {waves.map(({ count, instances }, index) => (
          <li key={instances.join()}>
            {waves.length + wavesOmitted > 1 && `Wave ${index + 1}: `}
            {instances.join(', ')}
            {count > instances.length && ` and ${count - instances.length} more`}
          </li>
        ))}
        {wavesOmitted > 0 && <li>and {wavesOmitted} more waves</li>}
      </ul>
      {facts.length > 0 && (
        <p class="hint">{facts.map(([name, value]) => `${name} = ${value}`).join('; ')}</p>
      )}
    </>
  );
}
