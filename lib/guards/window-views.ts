/** The windows of the rules file for people: which are open now, and when each opens next. */
import type { FileWindow, FileWindows, WindowView } from '../model/window.ts';
import { isOpen, nextOccurrence } from './crontab.ts';

/** The open ones first, then the others as they open. */
export function viewWindows({ freezes, only }: FileWindows, now: Date): WindowView[] {
  const views = [
    ...freezes.map((window) => viewOf(window, 'freeze', now)),
    ...only.map((window) => viewOf(window, 'only', now)),
  ];
  return views.toSorted((a, b) => (a.opensAt === b.opensAt ? 0 : a.opensAt < b.opensAt ? -1 : 1));
}

function viewOf({ window, except }: FileWindow, kind: WindowView['kind'], now: Date): WindowView {
  const occurrence = nextOccurrence(window, now);
  return {
    kind,
    name: window.name,
    isOpen: isOpen(occurrence, now),
    opensAt: occurrence.from.toISOString(),
    until: occurrence.until?.toISOString(),
    zone: window.zone,
    except: [...except],
  };
}
