import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { at } from "../lib/api";
import { sentence } from "../lib/result";
import { useResource } from "../lib/resource";
import { clock, local, seconds, span } from "../lib/time";
import { type Check, type Level, levelNames, type Page, type Report, type ReportItem, type SideEffect, type Volume } from "../lib/types";
import { At, Badge, Copy, Facts, Hidden, Loading, Panel, Plain, Scroll, Title, Trouble } from "../ui/bits";
import { RTOBar, Strip } from "../ui/charts";
import { download, Evidence } from "../ui/evidence";
import { Icon } from "../ui/icons";

export function ReportPage() {
  const { params } = useRoute();
  const [ns, name] = [params.ns!, params.name!];
  const report = useResource<Report>(at`/api/v1/namespaces/${ns}/reports/${name}`);
  if (!report.data) {
    return (
      <>
        <Title document={name}><span class="ns">{ns}/</span>{name}</Title>
        {report.problem ? <Trouble problem={report.problem} retry={report.reload} /> : <Loading what={`report ${name}`} />}
      </>
    );
  }
  return <Whole report={report.data} key={name} />;
}

function Whole({ report }: { report: Report }) {
  const s = report.status;
  const ns = report.metadata.namespace;
  const test = report.spec.testRef;
  const history = useResource<Page<ReportItem>>(at`/api/v1/namespaces/${ns}/reports` + at`?test=${test}&limit=30`);
  const items = history.data?.items ?? [];
  const here = items.findIndex((r) => r.metadata.name === report.metadata.name);
  const before = here >= 0 ? items[here + 1] : undefined;
  const notTested = [...(s.sideEffects?.notTested ?? []), ...Object.values(s.validationLevels).flatMap((l) => l.notTested ?? [])].filter((text, i, all) => all.indexOf(text) === i);
  return (
    <>
      <p class="print-only muted">Kymaros, report of a restore test</p>
      <p class="crumbs no-print"><a href={`/tests/${ns}/${test}`}>{ns}/{test}</a> <Icon name="next" size={13} /> report</p>
      <section class={`hero report ${s.result}`}>
        <div class="pagehead">
          <Title document={`Report ${test}`}><Badge state={s.result} big /> <span class="ns">{ns}/</span>{test}</Title>
          {s.result !== "inconclusive" && <p class="bigscore" title="Points of the six levels together">{s.score}<span class="muted">/100</span></p>}
        </div>
        <p class="message">{s.reason && s.reason !== "Passed" && <strong>{s.reason}: </strong>}{sentence(s.message)}</p>
        {!!s.caps?.length && <><p class="muted small">It cannot be Verified, whatever its score, because:</p><Plain items={s.caps} of="reasons" /></>}
        <p class="muted small">
          {s.evidence ? <>Record <strong class="num">#{s.evidence.sequence}</strong>, {s.evidence.keyID && s.evidence.envelope ? <>signed by key <code>{s.evidence.keyID}</code></> : "not signed"}. </> : "In no chain of reports. "}
          Run <At at={s.startedAt} format={local} /> – <At at={s.completedAt} format={clock} />{s.trigger && <>, started {trigger[s.trigger] ?? s.trigger}</>}.
        </p>
        <p class="buttons no-print">
          {before && <a class="button small" href={`/compare/${ns}/${before.metadata.name}/${report.metadata.name}`}><Icon name="compare" size={15} /> Compare with the run before</a>}
          <button type="button" class="small" onClick={() => print()}><Icon name="print" size={15} /> Print</button>
          <button type="button" class="small" onClick={() => void download(report)}><Icon name="download" size={15} /> JSON</button>
          <Copy text={`kubectl -n ${ns} get restorereport ${report.metadata.name} -o yaml`} label="the command that prints it" />
        </p>
      </section>
      {items.length > 1 && <div class="no-print"><Strip reports={items} current={report.metadata.name} href={(r) => `/reports/${ns}/${r.metadata.name}`} /></div>}
      <div class="columns wide-left">
        <div>
          <Panel title="Recovery time">
            {seconds(s.rto.measured) ? (
              <>
                <p class="figure">{span(seconds(s.rto.measured))} {s.rto.target ? <span class={s.rto.withinSLA ? "pass" : "fail"}><Icon name={s.rto.withinSLA ? "pass" : "fail"} size={17} /> {s.rto.withinSLA ? "within" : "over"} the target of {span(seconds(s.rto.target))}</span> : <span class="muted">no target is set</span>}</p>
                <RTOBar rto={s.rto} />
              </>
            ) : (
              <p>The application did not recover, so there is no recovery time.{s.rto.target && ` The target is ${span(seconds(s.rto.target))}.`}</p>
            )}
          </Panel>
          <Panel title="Levels" aside={<span class="muted">points of the score</span>}>
            <ul class="levels">
              {Object.entries(levelNames).map(([key, word]) => <LevelRow key={key} word={word} level={s.validationLevels[key as keyof typeof levelNames]} />)}
            </ul>
          </Panel>
          <Checks checks={s.checks ?? []} />
          <Volumes volumes={s.volumes ?? []} />
          <Completeness report={report} />
          <Evidence report={report} />
        </div>
        <div>
          <Panel title={<>Not tested <span class="count">{notTested.length}</span></>} class="untested">
            {notTested.length ? <><p class="muted small">This run shows nothing about:</p><Plain items={notTested} of="that were not tested" keep={8} /></> : <p class="muted">Nothing was left out.</p>}
          </Panel>
          <Panel title="Backup">
            <Facts
              items={[
                ["Name", s.backup.name ? <><code>{s.backup.name}</code> <Copy text={s.backup.name} label={`the name of backup ${s.backup.name}`} /></> : "none was found"],
                ["Age at the restore", s.backup.age ? span(seconds(s.backup.age)) : "–"],
                ...(s.backup.startedAt ? [["Taken", <At at={s.backup.startedAt} format={local} />] as [string, preact.JSX.Element]] : []),
                ...(s.restore?.phase ? [["Velero's restore", `${s.restore.phase}, ${s.restore.errors} errors, ${s.restore.warnings} warnings`] as [string, string]] : []),
                ...(s.velero?.version ? [["Velero", s.velero.version] as [string, string]] : []),
              ]}
            />
          </Panel>
          <Isolation report={report} />
          <Effects title="Withheld" note="In the backup, and not restored: it would have acted beside production." items={s.sideEffects?.withheld ?? []} />
          <Effects title="Neutralised" note="Restored without what would have acted." items={s.sideEffects?.neutralised ?? []} />
          <Timeline report={report} />
        </div>
      </div>
      <p class="print-only muted small">Printed {local(new Date().toISOString())} from {location.href}</p>
    </>
  );
}

const trigger: Record<string, string> = { Cron: "by its schedule", Requested: "by request", Created: "because the test was new", Retry: "once more, after a run that showed nothing", Search: "by the search for the last good backup" };

function LevelRow({ word, level }: { word: string; level: Level }) {
  const [open, set] = useState(level.status === "fail" || level.status === "partial");
  const na = level.max === 0;
  const more = (level.tested?.length ?? 0) + (level.notTested?.length ?? 0) > 0;
  const state = level.status === "not_tested" ? "never" : level.status;
  return (
    <li class={na ? "na" : ""}>
      <div class="level">
        <span class={`levelword ${na ? "" : state}`}><Icon name={na ? "never" : state} size={17} /> {word}<span class="visually-hidden">: {na ? "does not apply" : level.status.replace("_", " ")}</span></span>
        <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8" />{!na && <rect class={`fill ${state}`} width={(level.points / level.max) * 100} height="8" />}</svg>
        <span class="num">{na ? "n/a" : `${level.points}/${level.max}`}</span>
      </div>
      {level.detail && <p class="detail">{level.detail}</p>}
      {more && <button type="button" class="link small no-print" aria-expanded={open} onClick={() => set(!open)}>{open ? "Hide" : `Show what was tested (${(level.tested?.length ?? 0) + (level.notTested?.length ?? 0)})`}<Hidden>: {word}</Hidden></button>}
      {more && (
        <div class={`detail ${open ? "" : "folded"}`}>
          {!!level.tested?.length && <><h3>Tested</h3><Plain items={level.tested} of={`tested: ${word}`} /></>}
          {!!level.notTested?.length && <><h3>Not tested</h3><Plain items={level.notTested} of={`not tested: ${word}`} /></>}
        </div>
      )}
    </li>
  );
}

const checkWords: Record<string, [state: "pass" | "fail" | "never" | "inconclusive", word: string]> = { pass: ["pass", "passed"], fail: ["fail", "failed"], skip: ["never", "skipped"], unknown: ["inconclusive", "could not tell"] };

function Checks({ checks }: { checks: Check[] }) {
  const order = ["fail", "unknown", "skip", "pass"];
  return (
    <Panel title={<>Checks <span class="count">{checks.length}</span></>}>
      {!checks.length ? <p class="muted">No check was run: name a HealthCheckPolicy in the test, or see the reason above.</p> : (
        <Scroll label="Checks">
          <table class="table">
            <caption class="visually-hidden">Checks of the restored application, those that failed first</caption>
            <thead><tr><th scope="col">Check</th><th scope="col">Outcome</th><th scope="col">Took</th><th scope="col">What it found</th></tr></thead>
            <tbody>
              {[...checks].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status)).map((c) => {
                const [state, word] = checkWords[c.status] ?? ["inconclusive", c.status];
                return <tr key={c.name}><th scope="row">{c.name}</th><td><span class={`badge ${state}`}><Icon name={state} size={16} /> {word}</span></td><td class="num">{c.duration ? span(seconds(c.duration)) : "–"}</td><td>{c.message}</td></tr>;
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

// What is told of each method, and whether the data is proven to come back.
const methods: Record<string, [word: string, state: "pass" | "fail" | "never"]> = {
  fileSystemBackup: ["file-system backup", "pass"],
  csiSnapshot: ["CSI snapshot", "pass"],
  dataMover: ["data mover", "pass"],
  nativeSnapshot: ["native snapshot", "pass"],
  emptyInProduction: ["empty in production too", "pass"],
  pending: ["has no volume in production either", "pass"],
  unused: ["no container mounts it", "pass"],
  ephemeral: ["begins empty with each pod", "pass"],
  leftOut: ["left out on purpose", "never"],
  notRestored: ["in the backup, left out of this test", "never"],
  restoreHook: ["filled by a hook that is not run", "never"],
  notInBackup: ["not in the backup", "fail"],
  partlyRestored: ["only part of it came back", "fail"],
  empty: ["came back empty", "fail"],
  preBound: ["not made for this run", "fail"],
};

function Volumes({ volumes }: { volumes: Volume[] }) {
  if (!volumes.length) return null;
  return (
    <Panel title={<>Volumes <span class="count">{volumes.length}</span></>}>
      <Scroll label="Volumes">
        <table class="table">
          <caption class="visually-hidden">Volumes, and where their data came from</caption>
          <thead><tr><th scope="col">Claim</th><th scope="col">Where its data came from</th><th scope="col">Data</th><th scope="col">Took</th><th scope="col">Mounted by</th></tr></thead>
          <tbody>
            {volumes.map((v) => {
              const [word, state] = methods[v.method] ?? [v.method, "never"];
              return (
                <tr key={`${v.namespace}/${v.claim}`}>
                  <th scope="row"><span class="ns">{v.namespace}/</span>{v.claim}</th>
                  <td><span class={`badge ${state}`}><Icon name={state} size={16} /> {word}</span>{v.message && <span class="sub">{v.message}</span>}{!!v.sharedWith?.length && <span class="sub fail">shares its storage with {v.sharedWith.join(", ")}</span>}</td>
                  <td class="num">{v.bytes ? bytes(v.bytes) : "–"}</td>
                  <td class="num">{v.duration ? span(seconds(v.duration)) : "–"}</td>
                  <td>{v.mountedBy ?? "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const i = Math.min(Math.floor(Math.log2(n) / 10), units.length - 1);
  return `${(n / 1024 ** i).toFixed(i && n / 1024 ** i < 10 ? 1 : 0)} ${units[i]}`;
}

const kinds: [key: string, word: string][] = [["deployments", "Deployments"], ["statefulSets", "StatefulSets"], ["services", "Services"], ["secrets", "Secrets"], ["configMaps", "ConfigMaps"], ["pvcs", "Claims"], ["customResources", "Custom resources"]];

function Completeness({ report }: { report: Report }) {
  const c = report.status.completeness;
  const found = kinds.filter(([k]) => typeof c[k] === "string");
  if (!found.length && !c.missing?.length && !c.leftOut?.length) return null;
  return (
    <Panel title="What came back">
      <ul class="tiles">
        {found.map(([k, word]) => {
          const [n, of] = String(c[k]).split("/");
          return <li key={k} class={n === of ? "pass" : "fail"}><Icon name={n === of ? "pass" : "fail"} size={16} /> <strong>{n}</strong> of {of} {word}</li>;
        })}
      </ul>
      {!!c.missing?.length && <><h3 class="fail">Missing</h3><Plain items={c.missing} of="that are missing" /></>}
      {!!c.leftOut?.length && <><h3>Not in the backup</h3><Plain items={c.leftOut} of="that are not in the backup" /></>}
    </Panel>
  );
}

function Isolation({ report }: { report: Report }) {
  const s = report.status;
  const violations = s.sideEffects?.violations ?? [];
  const line = (good: boolean, text: preact.ComponentChildren) => <li class={good ? "pass" : "fail"}><Icon name={good ? "pass" : "fail"} size={17} /> <span>{text}</span></li>;
  return (
    <Panel title="Kept from production">
      <ul class="proofs">
        {s.isolationProof && line(s.isolationProof === "proven", { proven: "isolation was proven on every node before the restore", unproven: "isolation was not proven", notEnforced: "isolation is not enforced by the network plugin", off: "nobody looked whether isolation is enforced" }[s.isolationProof] ?? s.isolationProof)}
        {s.fence && line(s.fence === "intact", s.fence === "intact" ? "admission fence intact" : "admission fence not intact")}
        {s.networkIsolation && line(true, s.networkIsolation === "strict" ? "no traffic in or out of any pod" : "traffic among the sandboxes of the run only")}
        {line(!violations.length, violations.length ? `${violations.length} objects could have acted` : "nothing restored could act beside production")}
        {report.hygiene ? line(report.hygiene.status === "clean", report.hygiene.status === "clean" ? <>nothing was left behind{report.hygiene.cleanedAt && <> at <At at={report.hygiene.cleanedAt} format={clock} /></>}</> : `${report.hygiene.leaked?.length ?? 0} objects were left behind`) : <li class="muted"><Icon name="running" size={17} /> cleanup is not over yet</li>}
      </ul>
      {violations.length > 0 && <Plain items={violations} of="that could have acted" />}
      {!!s.sandboxes?.length && <p class="muted small">Sandboxes: {s.sandboxes.map((x) => x.name).join(", ")}</p>}
    </Panel>
  );
}

function Effects({ title, note, items }: { title: string; note: string; items: SideEffect[] }) {
  if (!items.length) return null;
  return (
    <Panel title={<>{title} <span class="count">{items.reduce((n, e) => n + e.count, 0)}</span></>}>
      <p class="muted small">{note}</p>
      <ul class="effects">
        {items.map((e) => (
          <li key={e.rule + e.kind} title={e.names?.join("\n")}><strong>{e.count}</strong> {e.kind.split(".")[0]} <span class="muted">{e.reason ?? e.rule}</span></li>
        ))}
      </ul>
    </Panel>
  );
}

// Timeline has the times that the report holds, and no other.
function Timeline({ report }: { report: Report }) {
  const s = report.status;
  const moments = ([[s.backup.startedAt, "the backup was begun"], [s.startedAt, "the run began"], [s.completedAt, "verdict"], [report.hygiene?.cleanedAt, "cleaned up"]] as [string | undefined, string][]).filter((m): m is [string, string] => !!m[0]);
  return (
    <Panel title="Timeline">
      <ol class="timeline">{moments.map(([t, word]) => <li key={word}><At at={t} format={local} /> <span>{word}</span></li>)}</ol>
    </Panel>
  );
}
