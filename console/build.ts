/** Builds the console: one HTML page that holds its script and its style, and the policy that allows just these two. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface ConsolePage {
  html: string;
  /** The value of `content-security-policy`. */
  policy: string;
}

/** @throws esbuild's BuildFailure, which names file and line */
export async function buildPage(): Promise<ConsolePage> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./app/main.tsx', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    outdir: 'console',
    format: 'iife',
    target: ['es2022', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    // Neither the packaged functions' conditions nor development builds of Preact.
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const textOf = (ending: string): string => {
    const text = outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
    // What would end the element early: in a script it can only stand in a string, in a style nowhere.
    return text.trim().replaceAll('</', '<\\/');
  };
  const script = textOf('.js');
  const style = textOf('.css');
  return { html: htmlOf(script, style), policy: policyOf(script, style) };
}

function htmlOf(script: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>fleet-reflex</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>The console needs JavaScript; <code>npx fleet-reflex runs</code> shows the same without it.</noscript>
<div id="console"></div>
<script>${script}</script>
</body>
</html>
`;
}

/** The page may ask its own origin, and nothing else: no other script, style, frame, form or address. */
function policyOf(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
