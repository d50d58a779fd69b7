import type { Day, ReportItem, RTO } from "../lib/types";
import { words, type State } from "../lib/result";
import { day, dayAndTime, seconds, span } from "../lib/time";

// Shares is one bar of how many tests are in which state.
export function Shares({ counts, total, label }: { counts: [State, number][]; total: number; label: string }) {
  let x = 0;
  return (
    <svg class="shares" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="track" width="1000" height="14" />
      {counts.map(([state, n]) => {
        const width = (n / Math.max(total, 1)) * 1000;
        const at = x;
        x += width;
        return n > 0 && <rect key={state} class={`fill ${state}`} x={at + (at > 0 ? 2 : 0)} width={Math.max(width - (at > 0 ? 2 : 0), 3)} height="14" />;
      })}
    </svg>
  );
}

// Nights stacks the runs of each day by result, the oldest first. Days without runs are gaps.
export function Nights({ days, count }: { days: Day[]; count: number }) {
  const known = new Map(days.map((d) => [d.date, d]));
  const dates = Array.from({ length: count }, (_, i) => new Date(Date.now() - (count - 1 - i) * 86_400_000).toISOString().slice(0, 10));
  const most = Math.max(1, ...days.map((d) => d.tests));
  const [width, height] = [600, 96];
  const step = width / count;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Runs of the last ${count} days: ${days.reduce((n, d) => n + d.tests, 0)}, of which ${days.reduce((n, d) => n + d.failures, 0)} failed`}>
        {dates.map((date, i) => {
          const d = known.get(date);
          if (!d) return <rect key={date} class="track" x={i * step + 1.5} y={height - 2} width={step - 3} height={2}><title>{`${day(date)}: no run`}</title></rect>;
          const parts: [State, number][] = [
            ["fail", d.failures],
            ["partial", d.partial ?? 0],
            ["inconclusive", d.inconclusive ?? 0],
          ];
          const rest = d.tests - parts.reduce((n, [, m]) => n + m, 0);
          let y = height;
          return (
            <g key={date}>
              <title>{`${day(date)} (UTC): ${d.tests} runs, ${[...parts, ["pass", rest] as [State, number]].filter(([, n]) => n).map(([s, n]) => `${n} ${words[s].toLowerCase()}`).join(", ")}`}</title>
              {[...parts, ["pass", rest] as [State, number]].map(([state, n]) => {
                const h = (n / most) * (height - 4);
                y -= h;
                return n > 0 && <rect key={state} class={`fill ${state}`} x={i * step + 1.5} y={y} width={step - 3} height={Math.max(h - 1, 1)} />;
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{day(dates[0]!)}</span>
        <span>today</span>
      </figcaption>
    </figure>
  );
}

// Strip shows runs as they followed one another, the oldest first: a mark each, and a link to its report.
export function Strip({ reports, current, href }: { reports: ReportItem[]; current?: string; href: (r: ReportItem) => string }) {
  return (
    <ol class="strip" aria-label="Runs, the oldest first">
      {[...reports].reverse().map((r) => (
        <li key={r.metadata.name}>
          <a class={`mark ${r.status.result}`} aria-current={r.metadata.name === current ? "true" : undefined} href={href(r)} aria-label={`${dayAndTime(r.status.completedAt)}: ${words[r.status.result]}`} title={`${dayAndTime(r.status.completedAt)}\n${words[r.status.result]}${r.status.result === "inconclusive" ? "" : ` ${r.status.score}/100`}\n${r.status.reason ?? ""}`}>
            {marks[r.status.result]}
          </a>
        </li>
      ))}
    </ol>
  );
}

export const marks: Record<State, string> = { pass: "✓", partial: "!", fail: "✕", inconclusive: "?", never: "–", running: "▸", queued: "…" };

// Trend draws the recovery time of each run against the target, and a mark for the result under it.
export function Trend({ reports }: { reports: ReportItem[] }) {
  const runs = [...reports].reverse();
  const times = runs.map((r) => seconds(r.status.rto.measured));
  const target = seconds(runs.at(-1)?.status.rto.target);
  const most = Math.max(target * 1.15, ...times, 1);
  const [width, height] = [600, 140];
  const step = width / Math.max(runs.length, 12);
  const y = (s: number) => height - (s / most) * (height - 16);
  const last = times.findLast((t) => t > 0);
  return (
    <figure class="chart trend">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Recovery time of ${runs.length} runs${target ? ` against a target of ${span(target)}` : ""}${last ? `; the last took ${span(last)}` : ""}`}>
        <line class="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {runs.map((r, i) => {
          const t = times[i]!;
          const top = y(t);
          return (
            <g key={r.metadata.name}>
              <title>{`${dayAndTime(r.status.completedAt)}: ${t ? span(t) : "did not recover"}, ${words[r.status.result]}`}</title>
              <rect class="hit" x={i * step} y="0" width={step} height={height} />
              {t > 0 ? <rect class={`fill ${r.status.result}`} x={i * step + 2} y={top} width={Math.max(step - 4, 2)} height={Math.max(height - top, 2)} /> : <rect class={`fill ${r.status.result}`} x={i * step + 2} y={height - 5} width={Math.max(step - 4, 2)} height="5" />}
            </g>
          );
        })}
        {target > 0 && <line class="target" x1="0" x2={width} y1={y(target)} y2={y(target)} />}
      </svg>
      <figcaption>
        <span>{runs[0] ? day(runs[0].status.completedAt) : ""}</span>
        <span>{target > 0 ? <><i class="key target-key" /> target {span(target)}</> : "no target: set sla.maxRTO"}</span>
        <span>{runs.length ? day(runs.at(-1)!.status.completedAt) : ""}</span>
      </figcaption>
    </figure>
  );
}

const parts: [key: keyof NonNullable<RTO["parts"]>, word: string][] = [
  ["restore", "Velero's restore"],
  ["pods", "pods become ready"],
  ["checks", "checks"],
];

// RTOBar shows the recovery time as one bar of its parts, against the target.
export function RTOBar({ rto }: { rto: RTO }) {
  const measured = seconds(rto.measured);
  const target = seconds(rto.target);
  const most = Math.max(measured, target) * 1.05 || 1;
  const known = parts.map(([key, word]) => ({ key, word, secs: seconds(rto.parts?.[key]) })).filter((p) => p.secs > 0);
  const scale = measured > 0 && known.length ? measured / known.reduce((n, p) => n + p.secs, 0) : 1;
  let x = 0;
  return (
    <div class="rto">
      <svg viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label={`Recovered in ${span(measured)}${target ? `, target ${span(target)}` : ""}`}>
        <rect class="track" width="1000" height="28" />
        {known.map((p, i) => {
          const width = ((p.secs * scale) / most) * 1000;
          const at = x;
          x += width;
          return <rect key={p.key} class={`part part-${i}`} x={at} width={Math.max(width - 2, 1)} height="28"><title>{`${p.word}: ${span(p.secs)}`}</title></rect>;
        })}
        {!known.length && measured > 0 && <rect class="part part-0" width={(measured / most) * 1000} height="28" />}
        {target > 0 && <line class="target" x1={(target / most) * 1000} x2={(target / most) * 1000} y1="0" y2="28" />}
      </svg>
      <ul class="keys">
        {known.map((p, i) => (
          <li key={p.key}>
            <i class={`key part-${i}`} /> {p.word} <strong>{span(p.secs)}</strong>
            {p.key === "restore" && rto.parts?.volumeData && <span class="muted"> (volume data {span(seconds(rto.parts.volumeData))})</span>}
          </li>
        ))}
        {target > 0 && (
          <li>
            <i class="key target-key" /> target <strong>{span(target)}</strong>
          </li>
        )}
        {seconds(rto.parts?.queue) > 0 && <li class="muted">before it began: waited {span(seconds(rto.parts?.queue))} for Velero</li>}
      </ul>
    </div>
  );
}
