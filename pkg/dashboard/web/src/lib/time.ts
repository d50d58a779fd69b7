import { signal } from "@preact/signals";

// now moves on every 20 seconds: whatever shows an age follows it.
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 20_000);

const units: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

// seconds reads a duration of Go, such as 1h2m3.5s or "15m 30s"; 0 if it is none.
export function seconds(text: string | undefined): number {
  let sum = 0;
  for (const [, n, unit] of (text ?? "").matchAll(/([\d.]+)(ms|µs|us|ns|d|h|m|s)/g)) {
    sum += Number(n) * ({ d: 86_400, h: 3_600, m: 60, s: 1, ms: 0.001 }[unit!] ?? 0);
  }
  return sum;
}

// span writes a length of time with its two largest units: 6m 12s, 2h 5m, 3d 4h.
export function span(secs: number): string {
  const s = Math.round(secs);
  if (s < 1) return secs > 0 ? `${Math.max(1, Math.round(secs * 1000))} ms` : "0 s";
  const parts: [number, string][] = [
    [Math.floor(s / 86_400), "d"],
    [Math.floor(s / 3_600) % 24, "h"],
    [Math.floor(s / 60) % 60, "m"],
    [s % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return parts
    .slice(first, first + 2)
    .filter(([n], i) => i === 0 || n > 0)
    .map(([n, unit]) => `${n}${unit}`)
    .join(" ");
}

// ago writes when something was, or will be.
export function ago(at: string, from: number): string {
  const s = Math.round((from - Date.parse(at)) / 1000);
  const size = Math.abs(s);
  if (size < 60) return s >= 0 ? "just now" : "in under 1 min";
  const [per, unit] = units.find(([n]) => size >= n)!;
  const n = Math.floor(size / per);
  return s >= 0 ? `${n} ${unit} ago` : `in ${n} ${unit}`;
}

export function local(at: string): string {
  return new Date(at).toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
}

export function clock(at: string): string {
  return new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function day(at: string): string {
  return new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}

export function dayAndTime(at: string): string {
  return new Date(at).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function utc(at: string): string {
  return new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}
