import { useLocation } from "preact-iso";
import { results, sentence, words } from "../lib/result";
import { useResource } from "../lib/resource";
import { dayAndTime, seconds, span } from "../lib/time";
import type { ReportItem } from "../lib/types";
import { At, Badge, Empty, Hidden, Loading, Title, Trouble } from "../ui/bits";
import { StateIcon } from "../ui/icons";

const perPage = 50;

export function Reports() {
  const { query, route } = useLocation();
  const result = query.result ?? "";
  const days = query.days ?? "7";
  const found = useResource<ReportItem[]>(`/api/v1/reports?days=${encodeURIComponent(days)}&limit=1000${result ? `&result=${encodeURIComponent(result)}` : ""}`, () => true);
  const page = Math.max(1, Number(query.page) || 1);
  const to = (more: Record<string, string>) => {
    const next = new URLSearchParams(Object.entries({ result, days, ...more }).filter(([k, v]) => v && !(k === "days" && v === "7")));
    route(`/reports${next.size ? `?${next}` : ""}`, true);
  };
  const items = found.data ?? [];
  const pages = Math.max(1, Math.ceil(items.length / perPage));
  const at = Math.min(page, pages);
  return (
    <>
      <div class="pagehead"><Title document="Reports">Reports</Title></div>
      <div class="chips" role="group" aria-label="Filter reports">
        {[["1", "24 hours"], ["7", "7 days"], ["30", "30 days"], ["90", "90 days"]].map(([d, word]) => <button key={d} type="button" class="chip" aria-pressed={days === d} onClick={() => to({ days: d!, page: "" })}>{word}</button>)}
        <span class="gap" />
        <button type="button" class="chip" aria-pressed={!result} onClick={() => to({ result: "", page: "" })}>All</button>
        {results.filter((s) => s !== "never").map((s) => <button key={s} type="button" class={`chip ${s}`} aria-pressed={result === s} onClick={() => to({ result: result === s ? "" : s, page: "" })}><StateIcon state={s} size={15} /> {words[s]}</button>)}
      </div>
      {!found.data ? found.problem ? <Trouble problem={found.problem} retry={found.reload} /> : <Loading what="reports" /> : !items.length ? (
        <Empty title="No run ended in this time."><button type="button" onClick={() => to({ days: "90", result: "" })}>Look back 90 days</button></Empty>
      ) : (
        <table class="table tests">
          <caption class="visually-hidden">Reports, the newest first</caption>
          <thead><tr><th scope="col">Test</th><th scope="col">Result</th><th scope="col">When</th><th scope="col">Recovery</th><th scope="col">Why</th></tr></thead>
          <tbody>
            {items.slice((at - 1) * perPage, at * perPage).map((r) => (
              <tr key={r.metadata.namespace + r.metadata.name}>
                <th scope="row"><a class="name" href={`/reports/${r.metadata.namespace}/${r.metadata.name}`}><span class="ns">{r.metadata.namespace}/</span>{r.spec.testRef}<Hidden>, {dayAndTime(r.status.completedAt)}</Hidden></a></th>
                <td data-label="Result"><Badge state={r.status.result} />{r.status.result !== "inconclusive" && <span class="score">{r.status.score}</span>}</td>
                <td data-label="When"><At at={r.status.completedAt} format={dayAndTime} /></td>
                <td data-label="Recovery" class="num">{seconds(r.status.rto.measured) ? span(seconds(r.status.rto.measured)) : "–"}</td>
                <td data-label="Why" class="whycell">{r.status.reason === "Passed" ? null : sentence(r.status.message)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of reports">
          <button type="button" disabled={at <= 1} onClick={() => to({ page: String(at - 1) })}>Previous</button>
          <span>{(at - 1) * perPage + 1}–{Math.min(at * perPage, items.length)} of {items.length}{items.length === 1000 ? " and more: choose fewer days" : ""}</span>
          <button type="button" disabled={at >= pages} onClick={() => to({ page: String(at + 1) })}>Next</button>
        </nav>
      )}
    </>
  );
}
