import { get } from "../lib/api";
import { load, tests, testsProblem } from "../lib/live";
import { byNeed, countResults, idOf, results, sentence, stateOf, words, activity, type State } from "../lib/result";
import { useResource } from "../lib/resource";
import { useRecent } from "../lib/recent";
import { now } from "../lib/time";
import type { Day, Line, ReportItem, TestItem, Upcoming } from "../lib/types";
import { Badge, Command, Empty, Hidden, lacking, Loading, Missing, Panel, Title, Trouble, When } from "../ui/bits";
import { marks, Nights, Shares } from "../ui/charts";
import { Icon } from "../ui/icons";
import { useEffect, useState } from "preact/hooks";

export function Overview() {
  const known = tests.value;
  if (!known) {
    return (
      <>
        <Title document="Overview">Overview</Title>
        {testsProblem.value ? <Trouble problem={testsProblem.value} retry={() => void load()} /> : <Loading what="tests" />}
      </>
    );
  }
  const list = [...known.values()];
  if (!list.length) return <NoTests />;
  return (
    <>
      <Hero tests={list} />
      <div class="columns">
        <div>
          <Needs tests={list} />
          <Glance tests={list} />
        </div>
        <div>
          <Doing tests={list} />
          <Changed />
          <System tests={list} />
          <History />
        </div>
      </div>
    </>
  );
}

function NoTests() {
  if (lacking().length) return <><Title document="Overview">Nothing that you may see</Title><Missing /></>; // whether there is a test nobody can say
  return (
    <>
      <Title document="Overview">No test yet</Title>
      <Empty title="There is no restore test in the namespaces that you may see.">
        <p>A test restores the newest backup of an application into a sandbox, checks it, and removes it again.</p>
        <p><a class="button primary" href="/tests/new">Create the first test</a></p>
        <Command text="kubectl get restoretests -A" label="the command that lists tests" />
      </Empty>
    </>
  );
}

// proof counts source namespaces: one is proven if some test that restores it passed last.
function proof(list: TestItem[]) {
  const by = new Map<string, boolean>();
  for (const t of list) for (const ns of t.sourceNamespaces) by.set(ns, (by.get(ns) ?? false) || t.lastResult === "pass");
  return { total: by.size, proven: [...by.values()].filter(Boolean).length };
}

function Hero({ tests: list }: { tests: TestItem[] }) {
  const counts = countResults(list);
  const { total, proven } = proof(list);
  const bad = counts.fail + counts.partial + counts.inconclusive + counts.never;
  const verified = list.filter((t) => t.lastVerifiedAt).map((t) => t.lastVerifiedAt).sort();
  const worst: State = counts.fail ? "fail" : counts.partial ? "partial" : counts.inconclusive ? "inconclusive" : counts.never ? "never" : "pass";
  const shown: [State, number][] = (["pass", "never", "inconclusive", "partial", "fail"] as State[]).map((s) => [s, counts[s]]);
  return (
    <section class={`hero ${worst}`}>
      <Title document="Overview">
        {bad === 0 ? `All ${total} namespaces under test can be restored` : `${proven} of ${total} namespaces under test are proven to restore`}
      </Title>
      <Shares counts={shown} total={list.length} label={shown.map(([s, n]) => `${n} ${words[s]}`).join(", ")} />
      <ul class="counts">
        {[...shown].reverse().map(([state, n]) => (
          <li key={state} class={n ? state : "none"}>
            <a href={`/tests?result=${state}`}><Badge state={state} /> <strong>{n}</strong></a>
          </li>
        ))}
      </ul>
      <p class="muted">
        {list.length} {list.length === 1 ? "test" : "tests"}. {verified.length ? <>Newest proof: <When at={verified.at(-1)} />. Oldest: <When at={verified[0]} />.</> : "Nothing is proven yet."}
        {verified.length > 0 && verified.length < list.length && ` ${list.length - verified.length} ${list.length - verified.length === 1 ? "was" : "were"} never proven.`}
        {" "}<a href="/coverage">Namespaces that no test restores</a>
      </p>
    </section>
  );
}

function Needs({ tests: list }: { tests: TestItem[] }) {
  const needy = list.filter((t) => t.lastResult !== "pass" && !(t.lastResult === "" && activity(t.phase))).sort(byNeed);
  const reasons = useReasons(needy);
  const most = 8;
  if (!needy.length) {
    return (
      <Panel title="Needs you">
        <p class="allgood"><Icon name="shield" size={22} /> Nothing. The last run of every test passed.</p>
      </Panel>
    );
  }
  return (
    <Panel title={<>Needs you <span class="count">{needy.length}</span></>}>
      <ul class="needs">
        {needy.slice(0, most).map((t) => {
          const r = reasons.get(idOf(t));
          return (
            <li key={idOf(t)} class={stateOf(t)}>
              <div class="need-head">
                <Badge state={stateOf(t)} />
                <a class="name" href={`/tests/${t.namespace}/${t.name}`}><span class="ns">{t.namespace}/</span>{t.name}</a>
                <span class="muted when"><When at={t.lastRunAt} none="no run yet" /></span>
              </div>
              {r ? <p>{sentence(r.status.message)}</p> : t.lastResult === "" && <p>{t.suspended ? "It is suspended, so nothing runs it." : "It has never run."}</p>}
              <p class="muted small">
                {t.lastVerifiedAt ? <>Last good: <When at={t.lastVerifiedAt} />. </> : "It has never been proven to restore. "}
                {r && <a href={`/reports/${r.metadata.namespace}/${r.metadata.name}`}>Open the report<Hidden> of {idOf(t)}</Hidden></a>}
              </p>
            </li>
          );
        })}
      </ul>
      {needy.length > most && <p><a href="/tests?sort=result">All {needy.length} that need somebody</a></p>}
    </Panel>
  );
}

// useReasons reads the latest reports that are not pass: what lists of tests do not tell.
function useReasons(needy: TestItem[]): Map<string, ReportItem> {
  const [found, set] = useState(new Map<string, ReportItem>());
  const wanted = needy.map((t) => t.lastReport ?? "").join();
  useEffect(() => {
    const control = new AbortController();
    const of = (result: string) => get<ReportItem[]>(`/api/v1/reports?latest=true&result=${result}&limit=20`, control.signal);
    Promise.all(["fail", "partial", "inconclusive"].map(of)).then(
      (answers) => set(new Map(answers.flatMap((a) => a.data).map((r) => [`${r.metadata.namespace}/${r.spec.testRef}`, r]))),
      () => {}, // the list says what it can without
    );
    return () => control.abort();
  }, [wanted]);
  return found;
}

// Glance shows every test as one mark, failing first within its namespace.
function Glance({ tests: list }: { tests: TestItem[] }) {
  const most = 400;
  const groups = new Map<string, TestItem[]>();
  for (const t of [...list].sort(byNeed).slice(0, most)) groups.set(t.namespace, [...(groups.get(t.namespace) ?? []), t]);
  return (
    <Panel title="Every test at a glance" aside={<a href="/tests">All tests</a>}>
      <ul class="glance">
        {[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([ns, group]) => (
          <li key={ns}>
            <a class="ns" href={`/tests?namespace=${ns}`}><Hidden>Tests in </Hidden>{ns}</a>
            <span class="marks">
              {group.map((t) => (
                <a key={t.name} class={`mark ${stateOf(t)} ${activity(t.phase) ?? ""}`} href={`/tests/${t.namespace}/${t.name}`} aria-label={`${idOf(t)}: ${words[stateOf(t)]}`} title={`${t.name}: ${words[stateOf(t)]}${activity(t.phase) ? `, ${words[activity(t.phase)!].toLowerCase()} now` : ""}`}>
                  {marks[stateOf(t)]}
                </a>
              ))}
            </span>
          </li>
        ))}
      </ul>
      {list.length > most && <p class="muted">The {most} that need somebody most. <a href="/tests">All {list.length}<Hidden> tests</Hidden></a></p>}
      <ul class="keys small">
        {results.map((s) => <li key={s}><i class={`mark ${s}`} aria-hidden="true">{marks[s]}</i> {words[s]}</li>)}
      </ul>
    </Panel>
  );
}

function Doing({ tests: list }: { tests: TestItem[] }) {
  const running = list.filter((t) => t.phase === "Running");
  const line = useResource<Line>("/api/v1/line", () => true);
  const upcoming = useResource<Upcoming[]>("/api/v1/upcoming?limit=6", () => true);
  const waiting = line.data?.items ?? list.filter((t) => t.phase === "Queued");
  const next = (upcoming.data ?? []).filter((u) => Date.parse(u.nextRunAt) > now.value).slice(0, 5);
  const link = (t: { namespace: string; name: string }) => <a class="name" href={`/tests/${t.namespace}/${t.name}`}><span class="ns">{t.namespace}/</span>{t.name}</a>;
  return (
    <Panel title="Now and next">
      <ul class="rows">
        {running.slice(0, 6).map((t) => <li key={idOf(t)}>{link(t)} <Badge state="running" /></li>)}
        {waiting.slice(0, 6).map((t, i) => <li key={idOf(t)}>{link(t)} <span class="badge queued"><Icon name="queued" size={16} /> {i + 1}. in line</span></li>)}
        {!running.length && !waiting.length && <li class="muted">Nothing runs, and nothing waits.</li>}
        {waiting.length > 6 && <li class="muted">and {waiting.length - 6} more in the line</li>}
      </ul>
      {next.length > 0 && (
        <>
          <h3>Next</h3>
          <ul class="rows">{next.map((u) => <li key={idOf(u)}>{link(u)} <span class="muted"><When at={u.nextRunAt} /></span></li>)}</ul>
        </>
      )}
    </Panel>
  );
}

// Changed lists tests whose result is not what it was a day ago.
function Changed() {
  const { by, ready } = useRecent();
  const changes = [...by.values()].filter((r) => r.dayAgo && r.results.length && r.results.at(-1) !== r.dayAgo).sort((a, b) => Number(a.results.at(-1) === "pass") - Number(b.results.at(-1) === "pass"));
  return (
    <Panel title="Changed since yesterday">
      {!ready ? <Loading what="what has changed" /> : !changes.length ? <p class="muted">No result changed in the last 24 hours.</p> : (
        <ul class="rows">
          {changes.slice(0, 8).map((r) => (
            <li key={idOf(r)}>
              <a class="name" href={`/reports/${r.namespace}/${r.report}`}><Hidden>Report of </Hidden><span class="ns">{r.namespace}/</span>{r.name}</a>
              <span class="change"><span class="muted">{words[r.dayAgo as State]} →</span> <Badge state={r.results.at(-1)!} /></span>
            </li>
          ))}
          {changes.length > 8 && <li class="muted">and {changes.length - 8} more</li>}
        </ul>
      )}
    </Panel>
  );
}

function History() {
  const days = useResource<Day[]>("/api/v1/summary/daily?days=30", () => true);
  return <Panel title="Runs of the last 30 days">{days.data ? <Nights days={days.data} count={30} /> : days.problem ? <Trouble problem={days.problem} /> : <Loading what="the last 30 days" />}</Panel>;
}

// systemic are reasons for which a run shows nothing, and which lie with the system that tests.
const systemic = new Set(["FenceNotIntact", "IsolationUnproven", "IsolationNotEnforced", "VeleroStalled", "VeleroUnsupported", "BackupLocationUnavailable", "NotStarted", "MissedTurn", "NotRead", "SandboxLost", "Rejected"]);

const untoldWords: Record<string, string> = { Undeliverable: "given up", SecretNotReadable: "a Secret cannot be read" };

interface Health { version?: string; kubernetesVersion?: string; uptime?: string }

// System tells whether the testing itself works.
function System({ tests: list }: { tests: TestItem[] }) {
  const most = 5;
  const health = useResource<Health>("/api/v1/health");
  const reasons = useReasons(list.filter((t) => t.lastResult === "inconclusive"));
  const found = new Map<string, ReportItem[]>();
  for (const r of reasons.values()) if (systemic.has(r.status.reason ?? "")) found.set(r.status.reason!, [...(found.get(r.status.reason!) ?? []), r]);
  const untold = list.filter((t) => t.untold).sort(byNeed);
  return (
    <Panel title="The testing itself">
      <ul class="proofs">
        {!found.size && <li class="pass"><Icon name="pass" size={17} /> <span>no last run was stopped by the system</span></li>}
        {[...found].map(([reason, of]) => (
          <li key={reason} class="inconclusive"><Icon name="inconclusive" size={17} /> <span><strong>{reason}</strong> stopped {of.length === 1 ? "the last run of " : `${of.length} last runs: `}{of.slice(0, 3).map((r, i) => <>{i > 0 && ", "}<a key={r.metadata.name} href={`/reports/${r.metadata.namespace}/${r.metadata.name}`}><Hidden>Report of {r.metadata.namespace}/</Hidden>{r.spec.testRef}</a></>)}{of.length > 3 && " …"}</span></li>
        ))}
        {untold.length > 0 && (
          <li class="fail">
            <Icon name="warn" size={17} />
            <span>
              <strong>Messages did not reach people</strong>: {untold.slice(0, most).map((t, i) => <>{i > 0 && ", "}<a key={idOf(t)} href={`/tests/${t.namespace}/${t.name}`}>{idOf(t)}</a> <span class="muted">({untoldWords[t.untold!] ?? t.untold})</span></>)}
              {untold.length > most && `, and ${untold.length - most} more tests`}
            </span>
          </li>
        )}
      </ul>
      {health.data?.version && <p class="muted small">Kymaros {health.data.version.replace(/\+.*/, "")}{health.data.kubernetesVersion && `, Kubernetes ${health.data.kubernetesVersion}`}, API up for {health.data.uptime}.</p>}
    </Panel>
  );
}
