import { useMemo, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useResource } from "../lib/resource";
import { now } from "../lib/time";
import type { Coverage, Covered, CoverageState, VolumeState } from "../lib/types";
import { Command, Empty, Hidden, Loading, subject, Title, Trouble, When } from "../ui/bits";
import { Shares } from "../ui/charts";
import { Icon } from "../ui/icons";
import { SearchBox } from "../ui/search";
import type { State } from "../lib/result";

const perPage = 50;

// What people are told a state is: an icon, a word, a colour and a sentence.
const states: Record<CoverageState, [color: State, icon: string, word: string, means: string]> = {
  Failed: ["fail", "fail", "Failed", "The newest run says that its backup does not restore."],
  Unprotected: ["fail", "open", "No backup", "No backup that can be restored holds it."],
  Unproven: ["inconclusive", "inconclusive", "Not proven", "It is in a backup, and no report shows that it restores."],
  Partial: ["partial", "partial", "Partly proven", "Some of it is proven, some is in no backup or not proven."],
  Stale: ["partial", "queued", "Proof too old", "All of it was proven, longer ago than is accepted."],
  Verified: ["pass", "pass", "Verified", "All of it is proven."],
  Ignored: ["never", "never", "Left out", "On purpose, or because it belongs to the cluster itself."],
};
const order = Object.keys(states) as CoverageState[];

const volumeStates: Record<VolumeState, [color: State, word: string]> = {
  NoData: ["fail", "in no backup with its data"],
  LeftOut: ["fail", "left out of backups by a label"],
  Unclear: ["inconclusive", "may be in the backup or not"],
  TooNew: ["inconclusive", "younger than the backup"],
  InBackup: ["inconclusive", "in the backup, not proven"],
  Proven: ["pass", "proven"],
  Nothing: ["never", "not bound: nothing to lose"],
};

const ages: [string, string][] = [["", "proven at any time"], ["24h", "proven in the last 24 hours"], ["48h", "proven in the last 2 days"], ["168h", "proven in the last 7 days"], ["720h", "proven in the last 30 days"]];

const missing: Record<string, string> = {
  persistentvolumeclaims: "volumes are not told of",
  "schedules.velero.io": "what backs a namespace up is not told",
  "backupstoragelocations.velero.io": "whether a backup can still be read is not known",
  "podvolumebackups.velero.io": "which volumes a backup holds is not known",
  "datauploads.velero.io": "which volumes a backup holds is not known",
  pods: "volumes that a backup knows by their pod are not found",
  "restoretests.restore.kymaros.io": "tests of namespaces that you may not list do not count",
  "restorereports.restore.kymaros.io": "reports of namespaces that you may not list prove nothing",
};

// grantAll is the command that lets the caller see all that the coverage is made of.
const grantAll = () => `kubectl create clusterrole kymaros-coverage --verb=get,list --resource=namespaces,pods,${Object.keys(missing).filter((r) => r !== "pods").join()},backups.velero.io && kubectl create clusterrolebinding kymaros-coverage --clusterrole=kymaros-coverage ${subject()}`;

export function CoveragePage() {
  const { query, route } = useLocation();
  const filters = { state: query.state ?? "", q: query.q ?? "", maxAge: query.maxAge ?? "" };
  const [asked, ask] = useState(Date.now());
  const found = useResource<Coverage>(`/api/v1/coverage?limit=1000${filters.maxAge ? `&maxAge=${encodeURIComponent(filters.maxAge)}` : ""}`);
  const change = (more: Partial<typeof filters> & { page?: string }) => {
    const next = new URLSearchParams(Object.entries({ ...filters, ...more }).filter(([, v]) => v));
    route(`/coverage${next.size ? `?${next}` : ""}`, true);
  };
  const rows = useMemo(() => {
    const q = filters.q.toLowerCase();
    return (found.data?.items ?? []).filter((n) => (filters.state ? n.state === filters.state : n.state !== "Ignored") && (!q || n.name.includes(q) || n.volumes?.some((v) => v.claim.includes(q))));
  }, [found.data, filters.state, filters.q]);
  if (!found.data) return <><Title document="Coverage">Coverage</Title>{found.problem ? <Trouble problem={found.problem} retry={found.reload} command={grantAll()} /> : <Loading what="namespaces, volumes and backups" />}</>;
  const { counts, items, unseen } = found.data;
  const n = (s: CoverageState) => counts[s.toLowerCase() as keyof typeof counts];
  const total = order.filter((s) => s !== "Ignored").reduce((sum, s) => sum + n(s), 0);
  const worst = order.find((s) => s !== "Ignored" && n(s) > 0) ?? "Verified";
  const shares = (["Verified", "Stale", "Partial", "Unproven", "Unprotected", "Failed"] as CoverageState[]).map((s) => [states[s][0], n(s)] as [State, number]);
  const pages = Math.max(1, Math.ceil(rows.length / perPage));
  const at = Math.min(Math.max(1, Number(query.page) || 1), pages);
  return (
    <>
      <section class={`hero ${total ? states[worst][0] : "never"}`}>
        <Title document="Coverage">{!total ? "No namespace counts for the coverage" : n("Verified") === total ? `All ${total} namespaces are proven to restore` : `${n("Verified")} of ${total} namespaces are proven to restore`}</Title>
        <Shares counts={shares} total={total} label={order.map((s) => `${n(s)} ${states[s][2]}`).join(", ")} />
        <p class="muted">
          {counts.volumesProven} of {counts.volumesTotal} volumes came back with their data. {n("Ignored")} namespaces are left out. Looked at <When at={new Date(Math.min(asked, now.value)).toISOString()} />. <button type="button" class="link" onClick={() => (ask(Date.now()), found.reload())}>Look again</button>
        </p>
      </section>
      {found.problem && <Trouble problem={found.problem} retry={found.reload} />}
      {unseen.length > 0 && (
        <section class="note missing">
          <p><strong>Not all of it could be looked at.</strong> What you may not see counts as not proven:</p>
          <ul class="plain">{unseen.map((u) => <li key={u.resource}>{u.right ? `you may not ${u.right}` : `there are too many ${u.resource} to read them all`}{missing[u.resource] && `: ${missing[u.resource]}`}</li>)}</ul>
          {unseen.some((u) => u.right) && <><p>An administrator can grant it:</p><Command text={grantAll()} /></>}
        </section>
      )}
      <search class="toolbar">
        <SearchBox label="Search namespaces" by="namespace or volume" q={filters.q} search={(q) => change({ q, page: "" })} />
        <label>
          <span class="visually-hidden">Age of a proof</span>
          <select value={filters.maxAge} onChange={(e) => (ask(Date.now()), change({ maxAge: e.currentTarget.value, page: "" }))}>
            {ages.map(([value, word]) => <option key={value} value={value}>{word}</option>)}
          </select>
        </label>
      </search>
      <div class="chips" role="group" aria-label="Filter by state">
        <button type="button" class="chip" aria-pressed={!filters.state} onClick={() => change({ state: "", page: "" })}>All <span class="n">{total}</span></button>
        {order.map((s) => <button key={s} type="button" class={`chip ${states[s][0]}`} aria-pressed={filters.state === s} title={states[s][3]} onClick={() => change({ state: filters.state === s ? "" : s, page: "" })}><Icon name={states[s][1]} size={15} /> {states[s][2]} <span class="n">{n(s)}</span></button>)}
      </div>
      {!rows.length ? <Empty title={items.length ? "No namespace matches." : "There is no namespace to tell of."}>{items.length > 0 && <button type="button" onClick={() => route("/coverage", true)}>Show all {total}</button>}</Empty> : (
        <table class="table tests coverage">
          <caption class="visually-hidden">Namespaces, the worst first</caption>
          <thead><tr><th scope="col">Namespace</th><th scope="col">State</th><th scope="col">Newest backup</th><th scope="col">Proven</th><th scope="col">Volumes</th></tr></thead>
          <tbody>{rows.slice((at - 1) * perPage, at * perPage).map((c) => <Row key={c.name} c={c} />)}</tbody>
        </table>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages of namespaces">
          <button type="button" disabled={at <= 1} onClick={() => change({ page: String(at - 1) })}>Previous</button>
          <span>{(at - 1) * perPage + 1}–{Math.min(at * perPage, rows.length)} of {rows.length}</span>
          <button type="button" disabled={at >= pages} onClick={() => change({ page: String(at + 1) })}>Next</button>
        </nav>
      )}
      {found.data.continue && <p class="muted">These are the {items.length} worst of {found.data.total}. With a terminal: kubectl kymaros coverage</p>}
    </>
  );
}

// Why says why a namespace is not proven; a long reason folds.
function Why({ text, of }: { text: string; of: string }) {
  const [open, set] = useState(false);
  const most = 160;
  return (
    <span class="sub why">
      {open || text.length <= most ? text : `${text.slice(0, text.lastIndexOf(" ", most))} …`}
      {text.length > most && <> <button type="button" class="link" aria-expanded={open} onClick={() => set(!open)}>{open ? "less" : "more"}<Hidden> about {of}</Hidden></button></>}
    </span>
  );
}

function Row({ c }: { c: Covered }) {
  const [open, set] = useState(false);
  const [color, icon, word, means] = states[c.state];
  const id = `volumes-${c.name}`;
  return (
    <>
      <tr class={open ? "opened" : ""}>
        <th scope="row"><span class="name">{c.name}</span>{c.why && <Why text={c.why} of={c.name} />}</th>
        <td data-label="State"><span class={`badge ${color}`} title={means}><Icon name={icon} size={16} /> {word}</span></td>
        <td data-label="Backup">
          {c.backup ? <span class="cell"><When at={c.backupTime} none="" /><span class="sub"><code>{c.backup}</code></span></span> : <span class="muted">none</span>}
          {!!c.schedules?.length && <span class="visually-hidden">, by {c.schedules.join(", ")}</span>}
        </td>
        <td data-label="Proven">{c.proof ? <span class="cell"><a href={`/reports/${c.proof.namespace}/${c.proof.report}`}><When at={c.proof.time} /><Hidden>, proof of {c.name}</Hidden></a><span class="sub">by {c.proof.namespace}/{c.proof.test}</span></span> : c.tests?.length ? <span class="cell"><span class="muted">never</span><span class="sub">{c.tests.map((t, i) => <>{i > 0 && ", "}<a key={t} href={`/tests/${t}`}>{t}</a></>)}</span></span> : <span class="muted">no test restores it</span>}</td>
        <td data-label="Volumes">{c.volumes?.length ? <button type="button" class="small" aria-expanded={open} aria-controls={id} onClick={() => set(!open)}>{c.volumesProven} of {c.volumesTotal} proven<Hidden>, volumes of {c.name}</Hidden></button> : <span class="muted">none</span>}</td>
      </tr>
      {open && (
        <tr class="inner" id={id}>
          <td colSpan={5}>
            <ul class="volumes">
              {c.volumes!.map((v) => {
                const [color, word] = volumeStates[v.state];
                return <li key={v.claim}><span class={`badge ${color}`}><Icon name={color} size={16} /> <code>{v.claim}</code></span> <span>{word}{v.capacity && <span class="muted"> · {v.capacity}</span>}{v.proof && <> · <a href={`/reports/${v.proof.namespace}/${v.proof.report}`}>report of <When at={v.proof.time} /><Hidden>, proof of volume {v.claim} of {c.name}</Hidden></a></>}</span></li>;
              })}
            </ul>
            {c.volumesTotal > c.volumes!.length && <p class="muted small">The {c.volumes!.length} that need somebody most, of {c.volumesTotal}.</p>}
          </td>
        </tr>
      )}
    </>
  );
}
