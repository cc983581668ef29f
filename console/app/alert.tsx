import type { ComponentChildren } from 'preact';

/** Read out at once by a screen reader. */
export function Alert({ children }: { children: ComponentChildren }) {
  return (
    <p class="alert" role="alert">
      {children}
    </p>
  );
}
