import type { State } from "../lib/result";

// Outlines on a grid of 24, drawn with the colour of the text around them.
const paths: Record<string, string> = {
  pass: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z M8 12.5l2.8 2.8L16 9.6",
  partial: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z M12 7.5v5.5 M12 16.4v.1",
  fail: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z M9 9l6 6 M15 9l-6 6",
  inconclusive: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z M9.6 9.6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.7 M12 16.6v.1",
  never: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z M8.5 12h7",
  running: "M12 3a9 9 0 1 0 9 9 M12 7v5l3 2",
  queued: "M7 4h10 M7 20h10 M8 4c0 5 8 6 8 16 M16 4c0 5-8 6-8 16",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M9 6v12 M15 6v12",
  copy: "M9 9h10v11H9z M5 15V4h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z M20 20l-4.8-4.8",
  print: "M7 9V4h10v5 M7 17H4V9h16v8h-3 M7 14h10v6H7z",
  download: "M12 4v11 M7.5 11l4.5 4.5 4.5-4.5 M5 20h14",
  out: "M14 4h5v16h-5 M10 8l-4 4 4 4 M6 12h9",
  next: "M9 5l7 7-7 7",
  warn: "M12 4l9 16H3z M12 10v4.5 M12 17.2v.1",
  shield: "M12 3l8 3v6c0 5-3.5 7.8-8 9-4.5-1.2-8-4-8-9V6z M8.8 12l2.3 2.3 4-4.3",
  edit: "M4 20h4L19 9l-4-4L4 16z M13 7l4 4",
  plus: "M12 5v14 M5 12h14",
  open: "M12 3l8 3v6c0 5-3.5 7.8-8 9-4.5-1.2-8-4-8-9V6z M9 9l6 6 M15 9l-6 6",
  trash: "M5 7h14 M10 4h4 M7 7l1 13h8l1-13 M10 11v5 M14 11v5",
  compare: "M8 4v16 M16 4v16 M4 8l4-4 4 4 M12 16l4 4 4-4",
};

export function Icon({ name, size = 18 }: { name: string; size?: number }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

export const StateIcon = ({ state, size }: { state: State; size?: number }) => <Icon name={state} size={size} />;
