import { useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { remove, runCommand, runNow, suspendCommand, setSuspended } from "../lib/act";
import { at } from "../lib/api";
import { inWords } from "../lib/cron";
import { manifest } from "../lib/manifest";
import { activity, sentence } from "../lib/result";
import { useResource } from "../lib/resource";
import { dayAndTime, now, seconds, span } from "../lib/time";
import type { Condition, Me, Page, ReportItem, Test } from "../lib/types";
import { At, Badge, Command, Copy, Empty, Facts, Hidden, Loading, Panel, Scroll, Title, Trouble, When } from "../ui/bits";
import { Strip, Trend } from "../ui/charts";
import { Confirm } from "../ui/confirm";
import { Head } from "../ui/evidence";
import { Icon } from "../ui/icons";
import { Notified } from "../ui/notified";

export function TestPage() {
  const { params } = useRoute();
  const [ns, name] = [params.ns!, params.name!];
  const id = `${ns}/${name}`;
  const test = useResource<Test>(at`/api/v1/namespaces/${ns}/tests/${name}`, (changed) => changed === id);
  const history = useResource<Page<ReportItem>>(at`/api/v1/namespaces/${ns}/reports` + at`?test=${name}&limit=40`, (changed) => changed === id);
  const me = useResource<Me>(at`/api/v1/me?namespace=${ns}`);
  const [asking, ask] = useState(false);
  const { route } = useLocation();
  const title = <Title document={name}><span class="ns">{ns}/</span>{name}</Title>;
  if (!test.data) return <>{title}{test.problem ? <Trouble problem={test.problem} retry={test.reload} /> : <Loading what={`test ${name}`} />}</>;
  const t = test.data;
  const s = t.status ?? {};
  const doing = activity(s.phase);
  const right = me.data?.rights.find((r) => r.verb === "patch" && r.resource === "restoretests");
  const change = me.data?.rights.find((r) => r.verb === "update" && r.resource === "restoretests");
  const erase = me.data?.rights.find((r) => r.verb === "delete" && r.resource === "restoretests");
  const latest = history.data?.items[0];
  const kept = history.data?.total ?? 0;
  return (
    <>
      <div class="pagehead">
        <div>
          {title}
          <p class="stateline">
            <Badge state={s.lastResult ?? "never"} big />
            {s.lastScore !== undefined && <span class="score">{s.lastScore}<span class="muted">/100</span></span>}
            {s.lastRunAt && <span class="muted"><When at={s.lastRunAt} /></span>}
            {doing && <Badge state={doing} />}
            {t.spec.suspend && <span class="badge"><Icon name="pause" size={16} /> Suspended</span>}
            {t.metadata.deletionTimestamp && <span class="badge">Being deleted</span>}
          </p>
        </div>
        <p class="buttons">
          <button type="button" class="primary" disabled={!!doing || right?.allowed === false} title={right?.remedy ?? (doing ? "A run is under way" : "")} onClick={() => void runNow(ns, name)}>
            <Icon name="play" size={16} /> Run now
          </button>
          <button type="button" disabled={change?.allowed === false} title={change?.remedy ?? ""} onClick={() => void setSuspended(t, !t.spec.suspend).then(test.reload)}>
            <Icon name={t.spec.suspend ? "play" : "pause"} size={16} /> {t.spec.suspend ? "Resume" : "Suspend"}
          </button>
          <a class="button" href={`/tests/${ns}/${name}/edit`}><Icon name="edit" size={16} /> Edit</a>
          <button type="button" disabled={erase?.allowed === false || !!t.metadata.deletionTimestamp} title={erase?.remedy ?? ""} onClick={() => ask(true)}><Icon name="trash" size={16} /> Delete</button>
        </p>
      </div>
      {asking && (
        <Confirm title={`Delete test ${name}?`} action={`Delete ${name}`} close={() => ask(false)} act={() => remove(at`/api/v1/namespaces/${ns}/tests/${name}`, id, "Its reports stay.").then((done) => done && route("/tests"))}>
          <p>Nothing tests from then on whether {t.spec.backupSource.namespaces.map((n) => n.name).join(", ")} can be restored.{doing && " The run that is under way ends, and its sandbox is removed."}</p>
          <p><strong>What stays:</strong> {kept === 1 ? "its report" : kept ? `its ${kept} reports` : "no report, since none is kept"}, all backups, and the applications themselves{t.spec.healthChecks?.policyRef && <>, and policy <code>{t.spec.healthChecks.policyRef}</code></>}.</p>
        </Confirm>
      )}
      {right?.allowed === false && <p class="muted small">You may not start a run here. {right.remedy && <>To be able to: {right.remedy}.</>}</p>}
      {latest && latest.status.result !== "pass" && (
        <section class={`verdict ${latest.status.result}`}>
          <p><strong>{latest.status.reason}</strong>: {sentence(latest.status.message)}</p>
          <p class="small"><a href={`/reports/${ns}/${latest.metadata.name}`}>Open the report</a>{s.lastVerified && <> · last good backup: <code>{s.lastVerified.backupName}</code>, proven <When at={s.lastVerified.time} /></>}</p>
        </section>
      )}
      {s.search && <Search t={t} />}
      {doing && <Progress t={t} />}
      <div class="columns wide-left">
        <div>
          <Panel title="Runs" aside={history.data && <span class="muted">{history.data.total} kept</span>}>
            {!history.data ? history.problem ? <Trouble problem={history.problem} retry={history.reload} /> : <Loading what="its runs" /> : !history.data.items.length ? <Empty title="No run has ended yet."><p class="muted">{doing ? "One is under way." : s.nextRunAt && Date.parse(s.nextRunAt) > now.value ? <>The first begins <When at={s.nextRunAt} />.</> : "Run it now, or wait for its schedule."}</p></Empty> : (
              <>
                <Strip reports={history.data.items} href={(r) => `/reports/${ns}/${r.metadata.name}`} />
                <h3>Recovery time</h3>
                <Trend reports={history.data.items} />
                <Reports ns={ns} items={history.data.items} />
              </>
            )}
          </Panel>
        </div>
        <div>
          <Panel title="At a glance">
            <Facts
              items={[
                ["Next run", t.spec.suspend ? "none: it is suspended" : <When at={s.nextRunAt} none="not planned yet" />],
                ["Schedule", <span title={t.spec.schedule.cron}>{inWords(t.spec.schedule.cron, t.spec.schedule.timezone)}</span>],
                ["Last good backup", s.lastVerified ? <><code>{s.lastVerified.backupName}</code>{s.lastVerified.backupTime && <span class="sub">taken <When at={s.lastVerified.backupTime} /></span>}</> : "none is known"],
                ["Restores", t.spec.backupSource.namespaces.map((n) => n.name).join(", ")],
                ["Checks", t.spec.healthChecks?.policyRef ? <a href={`/policies/${ns}/${t.spec.healthChecks.policyRef}`}><code>{t.spec.healthChecks.policyRef}</code></a> : <span>none: a run is never more than <em>Partial</em></span>],
                ["Recovery target", t.spec.sla?.maxRTO ? span(seconds(t.spec.sla.maxRTO)) : "none"],
                ...(s.missedRuns ? [["Missed", `${s.missedRuns.count > 100 ? "more than 100" : s.missedRuns.count} runs by the clock`] as [string, string]] : []),
              ]}
            />
          </Panel>
          <Notified t={t} />
          <Head t={t} />
          <Panel title="From a terminal">
            <p class="muted small">Run it now:</p>
            <Command text={runCommand(ns, name)} label="the command that runs it" />
            <p class="muted small">{t.spec.suspend ? "Have the clock start it again:" : "Have the clock start no run until it is resumed:"}</p>
            <Command text={suspendCommand(ns, name, !t.spec.suspend)} label={`the command that ${t.spec.suspend ? "resumes" : "suspends"} it`} />
          </Panel>
        </div>
      </div>
      <Manifest t={t} />
    </>
  );
}

function Search({ t }: { t: Test }) {
  const search = t.status!.search!;
  return (
    <section class="note">
      <p><strong>{{ Searching: "Older backups are being tried", Found: "An older backup restores", NotFound: "No older backup restores" }[search.state]}</strong></p>
      <p>{sentence(search.message)}</p>
      {search.lastGood && <p>Newest that restores: <code>{search.lastGood.backupName}</code> <Copy text={search.lastGood.backupName} label={`the name of backup ${search.lastGood.backupName}`} /></p>}
    </section>
  );
}

const phases: [type: string, word: string][] = [
  ["Scheduled", "Turn"],
  ["SandboxReady", "Sandbox"],
  ["Restored", "Restore"],
  ["HealthChecked", "Checks"],
  ["Reported", "Verdict"],
  ["CleanedUp", "Cleanup"],
];

// Progress shows a run phase by phase, as its conditions tell.
function Progress({ t }: { t: Test }) {
  const by = new Map((t.status?.conditions ?? []).map((c) => [c.type, c]));
  const restore = t.status?.restore;
  const extra: Record<string, string> = { Restored: restore?.progress ? `${restore.progress} objects` : "", HealthChecked: t.status?.health?.pods?.total ? `${t.status.health.pods.ready ?? 0} of ${t.status.health.pods.total} pods` : "" };
  return (
    <Panel title="This run" aside={<span class="muted">{t.status?.run?.deadline && <>verdict due <When at={t.status.run.deadline} /></>}</span>}>
      <ol class="phases">
        {phases.map(([type, word]) => {
          const c = by.get(type);
          const state = stage(c, type, t.status?.phase === "Queued");
          return (
            <li key={type} class={state}>
              <span class="dot" aria-hidden="true">{{ done: "✓", bad: "✕", doing: "", waiting: "" }[state]}</span>
              <strong>{word}</strong>
              <span class="visually-hidden">{{ done: "done", bad: "failed", doing: "under way", waiting: "not begun" }[state]}</span>
              {state !== "waiting" && <span class="sub">{extra[type] || c?.reason}</span>}
            </li>
          );
        })}
      </ol>
      {phases.map(([type]) => by.get(type)).filter((c) => c?.status === "Unknown" && c.reason !== "Waiting" && c.message).slice(0, 1).map((c) => <p key={c!.type} class="muted">{c!.message}</p>)}
    </Panel>
  );
}

function stage(c: Condition | undefined, type: string, queued: boolean): "done" | "bad" | "doing" | "waiting" {
  if (type === "Scheduled" && queued) return "doing";
  if (!c || queued || (c.status === "Unknown" && c.reason === "Waiting")) return "waiting";
  return c.status === "True" ? "done" : c.status === "False" ? "bad" : "doing";
}

function Reports({ ns, items }: { ns: string; items: ReportItem[] }) {
  const [chosen, choose] = useState<string[]>([]);
  const { route } = useLocation();
  const [open, setOpen] = useState(false);
  const shown = open ? items : items.slice(0, 10);
  const toggle = (name: string) => choose(chosen.includes(name) ? chosen.filter((c) => c !== name) : [...chosen, name].slice(-2));
  const compare = () => {
    const [after, before] = items.map((r) => r.metadata.name).filter((n) => chosen.includes(n));
    route(`/compare/${ns}/${before}/${after}`);
  };
  return (
    <>
      <div class="tablehead">
        <h3>Reports</h3>
        <button type="button" class="small" disabled={chosen.length !== 2} onClick={compare}><Icon name="compare" size={15} /> {chosen.length === 2 ? "Compare the two" : "Choose two to compare"}</button>
      </div>
      <Scroll label="Reports">
        <table class="table">
          <caption class="visually-hidden">Reports of this test, the newest first</caption>
          <thead><tr><th scope="col"><span class="visually-hidden">Compare</span></th><th scope="col">When</th><th scope="col">Result</th><th scope="col">Score</th><th scope="col">Recovery</th><th scope="col">Backup</th><th scope="col">Reason</th></tr></thead>
          <tbody>
            {shown.map((r) => (
              <tr key={r.metadata.name}>
                <td><input type="checkbox" checked={chosen.includes(r.metadata.name)} onChange={() => toggle(r.metadata.name)} aria-label={`Compare the run of ${dayAndTime(r.status.completedAt)}`} /></td>
                <th scope="row"><a href={`/reports/${ns}/${r.metadata.name}`}><At at={r.status.completedAt} format={dayAndTime} /></a></th>
                <td><Badge state={r.status.result} /></td>
                <td class="num">{r.status.result === "inconclusive" ? "–" : r.status.score}</td>
                <td class="num">{seconds(r.status.rto.measured) ? span(seconds(r.status.rto.measured)) : "–"}</td>
                <td><code>{r.status.backup.name || "–"}</code></td>
                <td>{r.status.reason === "Passed" ? "" : r.status.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {items.length > 10 && <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Show fewer" : `Show all ${items.length}`}<Hidden> reports</Hidden></button>}
    </>
  );
}

function Manifest({ t }: { t: Test }) {
  const text = manifest("RestoreTest", t);
  return (
    <Panel title="Manifest" aside={<Copy text={text} label="the manifest" />}>
      <pre class="code" tabIndex={0}>{text}</pre>
    </Panel>
  );
}
