import { levelNames, type Report } from "./types";
import { words } from "./result";
import { seconds, span } from "./time";

export interface Difference {
  area: string;
  name: string;
  before: string;
  after: string;
  effect: "worse" | "better" | "neutral";
}

// incomparable says why two runs did not look at the same.
export function incomparable(a: Report, b: Report): string[] {
  const why: string[] = [];
  const same = (what: string, x: string, y: string) => x !== y && why.push(`${what}: ${x || "none"}, then ${y || "none"}`);
  for (const [which, r] of [["first", a], ["second", b]] as const) if (r.status.result === "inconclusive") why.push(`the ${which} run is inconclusive (${r.status.reason}): it shows nothing about its backup`);
  same("test", a.spec.testRef, b.spec.testRef);
  const list = (texts: string[] = []) => [...texts].sort().join(", ");
  if (a.status.sandboxes?.length && b.status.sandboxes?.length) same("namespaces", list(a.status.sandboxes.map((s) => s.source)), list(b.status.sandboxes.map((s) => s.source)));
  same("network isolation", a.status.networkIsolation ?? "", b.status.networkIsolation ?? "");
  if (a.status.checks?.length && b.status.checks?.length) same("checks", list(a.status.checks.map((c) => c.name)), list(b.status.checks.map((c) => c.name)));
  return why;
}

const rank = { pass: 3, partial: 2, fail: 1, inconclusive: 0 };

// differences lists what two reports tell otherwise.
export function differences(a: Report, b: Report): Difference[] {
  const all: Difference[] = [];
  const add = (area: string, name: string, before: string, after: string, better: number) => before !== after && all.push({ area, name, before, after, effect: better > 0 ? "better" : better < 0 ? "worse" : "neutral" });
  const [x, y] = [a.status, b.status];
  add("Result", "", words[x.result], words[y.result], rank[y.result] - rank[x.result]);
  add("Score", "", String(x.score), String(y.score), y.score - x.score);
  for (const [key, word] of Object.entries(levelNames)) {
    const [l, m] = [x.validationLevels[key as keyof typeof levelNames], y.validationLevels[key as keyof typeof levelNames]];
    add("Level", word, `${l.points}/${l.max}`, `${m.points}/${m.max}`, m.points - l.points);
  }
  const times: [string, string | undefined, string | undefined][] = [["Recovery time", x.rto.measured, y.rto.measured], ["of it Velero's restore", x.rto.parts?.restore, y.rto.parts?.restore], ["of it pods", x.rto.parts?.pods, y.rto.parts?.pods], ["of it checks", x.rto.parts?.checks, y.rto.parts?.checks]];
  for (const [name, before, after] of times) {
    const [s, t] = [seconds(before), seconds(after)];
    // Less than a tenth, or than 5 seconds, is how much runs differ by themselves.
    if (s && t && Math.abs(t - s) > Math.max(5, s / 10)) add("Time", name, span(s), span(t), s - t);
    else if (!s !== !t) add("Time", name, s ? span(s) : "did not recover", t ? span(t) : "did not recover", t ? 1 : -1);
  }
  const checks = new Map((x.checks ?? []).map((c) => [c.name, c.status]));
  for (const c of y.checks ?? []) {
    const before = checks.get(c.name) ?? "not there";
    add("Check", c.name, before, c.status, c.status === "pass" ? 1 : before === "pass" || c.status === "fail" ? -1 : 0);
    checks.delete(c.name);
  }
  for (const [name, status] of checks) add("Check", name, status, "not there", -1);
  const volumes = new Map((x.volumes ?? []).map((v) => [`${v.namespace}/${v.claim}`, v]));
  for (const v of y.volumes ?? []) {
    const before = volumes.get(`${v.namespace}/${v.claim}`);
    if (!before) {
      add("Volume", `${v.namespace}/${v.claim}`, "not there", v.method, 0);
      continue;
    }
    add("Volume", `${v.namespace}/${v.claim}`, before.method, v.method, 0);
    const [s, t] = [before.bytes ?? 0, v.bytes ?? 0];
    if (s && Math.abs(t - s) / s > 0.2) add("Volume", `${v.namespace}/${v.claim}`, `${s} bytes`, `${t} bytes (${Math.round((t / s - 1) * 100)} %)`, t < s ? -1 : 0);
  }
  const missing = x.completeness.missing ?? [];
  for (const m of y.completeness.missing ?? []) if (!missing.includes(m)) add("Missing", m, "came back", "missing", -1);
  for (const m of missing) if (!(y.completeness.missing ?? []).includes(m)) add("Missing", m, "missing", "came back", 1);
  add("Isolation", "", x.isolationProof ?? "", y.isolationProof ?? "", y.isolationProof === "proven" ? 1 : -1);
  add("Fence", "", x.fence ?? "", y.fence ?? "", y.fence === "intact" ? 1 : -1);
  add("Left behind", "", a.hygiene?.status ?? "", b.hygiene?.status ?? "", b.hygiene?.status === "clean" ? 1 : b.hygiene ? -1 : 0);
  add("Backup", "", x.backup.name, y.backup.name, 0);
  const order = { worse: 0, better: 1, neutral: 2 };
  return all.sort((p, q) => order[p.effect] - order[q.effect]);
}
