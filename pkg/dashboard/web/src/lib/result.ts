import type { Phase, Result, TestItem } from "./types";

// A State is what people are told a test or run is: always an icon, a word and a colour.
export type State = Result | "never" | "running" | "queued";

export const words: Record<State, string> = {
  pass: "Verified",
  partial: "Partial",
  fail: "Failed",
  inconclusive: "Inconclusive",
  never: "Never tested",
  running: "Running",
  queued: "Queued",
};

export const meanings: Record<State, string> = {
  pass: "The backup was restored into an application that works.",
  partial: "It was restored, and something could not be shown, or is not as it should be.",
  fail: "The backup does not restore into a working application.",
  inconclusive: "The run has shown nothing about the backup: the last proof still counts.",
  never: "No run has ended yet.",
  running: "A run is under way.",
  queued: "A run waits for its turn: Velero restores one at a time.",
};

export const results: State[] = ["fail", "partial", "inconclusive", "never", "pass"];

export const stateOf = (t: { lastResult: Result | "" }): State => t.lastResult || "never";

export function activity(phase: Phase | "" | undefined): "running" | "queued" | undefined {
  return phase === "Running" ? "running" : phase === "Queued" ? "queued" : undefined;
}

const order: Record<string, number> = { fail: 0, partial: 1, inconclusive: 2, never: 3, pass: 4 };

// byNeed puts first what needs somebody.
// byName compares as Kubernetes does: thousands of names by the rules of a language would take a moment too long.
export function byName(a: TestItem, b: TestItem): number {
  const [x, y] = [idOf(a), idOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

export function byNeed(a: TestItem, b: TestItem): number {
  return order[stateOf(a)]! - order[stateOf(b)]! || byName(a, b);
}

// sentence begins with a capital.
export const sentence = (text = "") => text.charAt(0).toUpperCase() + text.slice(1);

export const idOf = (t: { namespace: string; name: string }) => `${t.namespace}/${t.name}`;

export function countResults(tests: TestItem[]): Record<State, number> {
  const n: Record<State, number> = { pass: 0, partial: 0, fail: 0, inconclusive: 0, never: 0, running: 0, queued: 0 };
  for (const t of tests) {
    n[stateOf(t)]++;
    const doing = activity(t.phase);
    if (doing) n[doing]++;
  }
  return n;
}
