import { Component } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { runNow } from "../lib/act";
import { inWords } from "../lib/cron";
import { load, tests, testsProblem } from "../lib/live";
import { useRecent, type Recent } from "../lib/recent";
import { activity, byName, byNeed, countResults, idOf, results, stateOf, words, type State } from "../lib/result";
import type { TestItem } from "../lib/types";
import { Badge, Empty, lacking, Loading, Missing, Title, Trouble, When } from "../ui/bits";
import { Icon, StateIcon } from "../ui/icons";
import { SearchBox } from "../ui/search";

const perPage = 50;

const sorts: Record<string, [word: string, order: (a: TestItem, b: TestItem) => number]> = {
  result: ["what needs you first", byNeed],
  name: ["name", byName],
  last: ["last run first", (a, b) => b.lastRunAt.localeCompare(a.lastRunAt)],
  verified: ["longest unproven first", (a, b) => a.lastVerifiedAt.localeCompare(b.lastVerifiedAt)],
  next: ["next run first", (a, b) => (a.nextRunAt || "9").localeCompare(b.nextRunAt || "9")],
  score: ["lowest score first", (a, b) => (a.lastScore ?? 101) - (b.lastScore ?? 101)],
};

type Filters = { q: string; result: string; namespace: string; doing: string; sort: string };

// read takes the filters from the address, so that it can be sent to somebody.
const read = (query: Record<string, string>): Filters => ({ q: query.q ?? "", result: query.result ?? "", namespace: query.namespace ?? "", doing: query.doing ?? "", sort: query.sort && sorts[query.sort] ? query.sort : "result" });

function matches(t: TestItem, f: Filters): boolean {
  const q = f.q.toLowerCase();
  return (
    (!f.result || stateOf(t) === f.result) &&
    (!f.namespace || t.namespace === f.namespace) &&
    (!f.doing || (f.doing === "suspended" ? t.suspended : activity(t.phase) === f.doing)) &&
    (!q || idOf(t).includes(q) || t.sourceNamespaces.some((ns) => ns.includes(q)))
  );
}

// How many rows are drawn at a time: in between, the browser hears what the reader does next.
const slice = 8;

// useSlices holds back what is heavy to draw until what the reader did is on the screen, and then draws it slice by slice, each in the
// place of what was there. Where there was nothing, all comes at once.
function useSlices(rows: string[], key: string): string[] {
  const [held, hold] = useState({ key, rows });
  useEffect(() => {
    if (held.key === key) return;
    if (!held.rows.length) return hold({ key, rows });
    let timer: ReturnType<typeof setTimeout>, frame = 0, n = 0;
    const later = () => (frame = requestAnimationFrame(() => (timer = setTimeout(step))));
    const step = () => {
      n += slice;
      if (n >= rows.length) return hold({ key, rows });
      hold((before) => ({ key: before.key, rows: [...rows.slice(0, n), ...before.rows.slice(n)] }));
      later();
    };
    later();
    return () => (cancelAnimationFrame(frame), clearTimeout(timer));
  }, [key]);
  return held.key === key || !held.rows.length ? rows : held.rows;
}

export function Tests() {
  const { query, route } = useLocation();
  const filters = read(query);
  const page = Math.max(1, Number(query.page) || 1);
  const known = tests.value;
  const recent = useRecent();
  const [shown, setShown] = useState(0);

  const change = (more: Partial<Filters> & { page?: string }) => {
    const next = new URLSearchParams();
    for (const [k, v] of Object.entries({ ...filters, ...more })) if (v && !(k === "sort" && v === "result")) next.set(k, v);
    const text = next.toString();
    route(text ? `/tests?${text}` : "/tests", true);
  };

  // The order is that of the moment in which it was asked for: rows do not move under the pointer while runs end.
  const key = JSON.stringify([filters, shown, known === null]);
  const fresh = useMemo(() => (known ? [...known.values()].filter((t) => matches(t, filters)).sort(sorts[filters.sort]![1]).map(idOf) : []), [known, key]);
  const frozen = useMemo(() => fresh, [key]);
  const moved = frozen.length !== fresh.length || frozen.some((id, i) => id !== fresh[i]);
  const pages = Math.max(1, Math.ceil(frozen.length / perPage));
  const at = Math.min(page, pages);
  const visible = useSlices(frozen.slice((at - 1) * perPage, at * perPage), `${key} ${at}`);
  const list = useMemo(() => [...(known?.values() ?? [])], [known]);
  const namespaces = useMemo(() => [...new Set(list.map((t) => t.namespace))].sort(), [list]);
  const inNamespace = useMemo(() => (filters.namespace ? list.filter((t) => t.namespace === filters.namespace) : list), [list, filters.namespace]);
  const counts = useMemo(() => countResults(inNamespace), [inNamespace]);

  const head = (
    <div class="pagehead">
      <Title document="Tests">Tests</Title>
      <a class="button primary" href="/tests/new"><Icon name="plus" size={16} /> New test</a>
    </div>
  );
  if (!known) return <>{head}{testsProblem.value ? <Trouble problem={testsProblem.value} retry={() => void load()} /> : <Loading what="tests" />}</>;

  const rows = visible.flatMap((id) => known.get(id) ?? []);
  const chip = (label: preact.ComponentChildren, on: boolean, set: () => void, n: number, state = "") => (
    <button type="button" class={`chip ${state}`} aria-pressed={on} onClick={set}>{label} <span class="n">{n}</span></button>
  );
  if (!list.length && lacking().length) return <>{head}<Missing /></>;
  if (!list.length) return <>{head}<Empty title="There is no restore test in the namespaces that you may see."><p><a href="/tests/new">Create the first test</a></p></Empty></>;
  return (
    <>
      {head}
      <search class="toolbar">
        <SearchBox label="Search tests" by="name or namespace" q={filters.q} focus={query.focus === "search"} search={(q) => change({ q, page: "" })} />
        <label>
          <span class="visually-hidden">Namespace</span>
          <select value={filters.namespace} onChange={(e) => change({ namespace: e.currentTarget.value, page: "" })}>
            <option value="">All namespaces</option>
            {namespaces.map((ns) => <option key={ns} value={ns}>{ns}</option>)}
          </select>
        </label>
        <label>
          <span class="visually-hidden">Order</span>
          <select value={filters.sort} onChange={(e) => change({ sort: e.currentTarget.value, page: "" })}>
            {Object.entries(sorts).map(([value, [word]]) => <option key={value} value={value}>{word}</option>)}
          </select>
        </label>
      </search>
      <div class="chips" role="group" aria-label="Filter by result">
        {chip("All", !filters.result && !filters.doing, () => change({ result: "", doing: "", page: "" }), inNamespace.length)}
        {results.map((s) => chip(<><StateIcon state={s} size={15} /> {words[s]}</>, filters.result === s, () => change({ result: filters.result === s ? "" : s, page: "" }), counts[s], s))}
        {(["running", "queued"] as State[]).map((s) => counts[s] > 0 || filters.doing === s ? chip(<><StateIcon state={s} size={15} /> {words[s]}</>, filters.doing === s, () => change({ doing: filters.doing === s ? "" : s, page: "" }), counts[s], s) : null)}
        {chip(<><Icon name="pause" size={15} /> Suspended</>, filters.doing === "suspended", () => change({ doing: filters.doing === "suspended" ? "" : "suspended", page: "" }), inNamespace.filter((t) => t.suspended).length)}
      </div>
      {moved && <p class="moved" role="status">Results have come in. <button type="button" class="link" onClick={() => setShown(shown + 1)}>Put the list in order again</button></p>}
      {!rows.length ? (
        <Empty title="No test matches."><button type="button" onClick={() => route("/tests", true)}>Show all {list.length}</button></Empty>
      ) : (
        <table class="table tests">
          <caption class="visually-hidden">Restore tests, {sorts[filters.sort]![0]}</caption>
          <thead>
            <tr><th scope="col">Test</th><th scope="col">Result</th><th scope="col">Last runs</th><th scope="col">Last proof</th><th scope="col">Next run</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr>
          </thead>
          <tbody>{rows.map((t, i) => <Row key={i} t={t} recent={recent.by.get(idOf(t))} />)}</tbody>
        </table>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of tests">
          <button type="button" disabled={at <= 1} onClick={() => change({ page: String(at - 1) })}>Previous</button>
          <span>{(at - 1) * perPage + 1}–{Math.min(at * perPage, frozen.length)} of {frozen.length}</span>
          <button type="button" disabled={at >= pages} onClick={() => change({ page: String(at + 1) })}>Next</button>
        </nav>
      )}
    </>
  );
}

// A Row is drawn again only when it is of another test, or its test has changed. Its place is its key: another test in the same place
// changes some texts, and makes nothing new.
class Row extends Component<{ t: TestItem; recent?: Recent }> {
  shouldComponentUpdate(next: { t: TestItem; recent?: Recent }) {
    return next.t !== this.props.t || next.recent !== this.props.recent;
  }
  render() {
    return <Cells {...this.props} />;
  }
}

function Cells({ t, recent }: { t: TestItem; recent?: Recent }) {
  const doing = activity(t.phase);
  return (
    <tr>
      <th scope="row">
        <a class="name" href={`/tests/${t.namespace}/${t.name}`}><span class="ns">{t.namespace}/</span>{t.name}</a>
        {!["", t.namespace, t.name].includes(t.sourceNamespaces.join()) && <span class="sub">restores {t.sourceNamespaces.join(", ")}</span>}
      </th>
      <td data-label="Result">
        <Badge state={stateOf(t)} />
        {t.lastScore !== null && <span class="score">{t.lastScore}</span>}
        {doing && <Badge state={doing} />}
      </td>
      <td data-label="Last runs"><Dots recent={recent} /></td>
      <td data-label="Last proof"><When at={t.lastVerifiedAt} none="never proven" /></td>
      <td data-label="Next run">
        {t.suspended ? <span class="muted"><Icon name="pause" size={14} /> suspended</span> : <span title={inWords(t.schedule, t.timezone)}><When at={t.nextRunAt} none="–" /></span>}
      </td>
      <td class="actions">
        <button type="button" class="small" onClick={() => void runNow(t.namespace, t.name)} disabled={!!doing} aria-label={`Run ${idOf(t)} now`} title={doing ? "A run is under way" : "Run now"}>
          <Icon name="play" size={14} /> Run
        </button>
      </td>
    </tr>
  );
}

export function Dots({ recent }: { recent?: Recent }) {
  if (!recent?.results.length) return <span class="muted">–</span>;
  const said = recent.results.map((r) => words[r]);
  return (
    <span class="dots" role="img" aria-label={`Last ${said.length} runs, the oldest first: ${said.join(", ")}`}>
      {recent.results.map((r, i) => <i key={i} class={r} title={said[i]} />)}
    </span>
  );
}
