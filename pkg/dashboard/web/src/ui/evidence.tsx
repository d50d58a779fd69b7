import { say, why } from "../lib/act";
import { at, get } from "../lib/api";
import { useResource } from "../lib/resource";
import type { Report, Stored, Test } from "../lib/types";
import { Command, Copy, Facts, Panel } from "./bits";
import { Icon } from "./icons";

const pathOf = (r: Report) => at`/api/v1/namespaces/${r.metadata.namespace}/reports/${r.metadata.name}/evidence`;
// Twelve digits are what messages carry, and what verify asks for at least.
const short = (digest: string) => digest.replace("sha256:", "").slice(0, 12);

// Digest is long: it breaks anywhere, and can be copied whole.
function Digest({ of, label }: { of: string; label: string }) {
  return <><code class="digest">{of}</code> <Copy text={of} label={label} /></>;
}

// Evidence says how it can be shown that a report is what was written, and that none is missing. It does not judge that itself: that
// takes all reports of the test, and keys from elsewhere.
export function Evidence({ report }: { report: Report }) {
  const e = report.status.evidence;
  const stored = useResource<Stored>(e ? pathOf(report) : null);
  const { namespace, name } = report.metadata;
  if (!e) {
    return (
      <Panel title="Evidence" id="evidence">
        <p>This report is in no chain: the version of Kymaros that wrote it had none. <strong>Not signed.</strong> Nothing shows that it was not changed since.</p>
      </Panel>
    );
  }
  const pruned = (e.pruned ?? []).map((p) => (p.from === p.to ? `#${p.from}` : `#${p.from}–#${p.to}`)).join(", ");
  const signed = !!e.keyID && !!e.envelope;
  return (
    <Panel title="Evidence" id="evidence" aside={<span class="muted num">record #{e.sequence}</span>}>
      <Facts
        items={[
          ["Number", <><span class="num">#{e.sequence}</span> of the reports of {namespace}/{report.spec.testRef}</>],
          ["Digest", stored.data ? <Digest of={stored.data.digest} label="the digest of this report" /> : stored.problem ? `not known: ${why(stored.problem)}` : "…"],
          ["Report before", e.previous ? <Digest of={e.previous} label="the digest of the report before" /> : "none: it is the first"],
          ["Pruned before it", pruned ? <>{pruned} <span class="muted">by historyLimit: the chain is whole without them</span></> : "none"],
          ["Signature", signed ? <>by key <code>{e.keyID}</code> <Copy text={e.keyID!} label="the id of the key" /></> : <><strong>Not signed</strong>{e.notSigned && `: ${e.notSigned}`}</>],
          ...(e.cluster?.uid ? [["Cluster", <><code>{e.cluster.uid}</code>{e.cluster.kubernetes && <span class="muted"> Kubernetes {e.cluster.kubernetes}</span>}</>] as [string, preact.JSX.Element]] : []),
          ...(e.kymaros ? [["Kymaros", e.kymaros] as [string, string]] : []),
          ...(e.controls?.length ? [["Evidence for", <>{e.controls.join(", ")} <span class="muted">as the owner of the test says</span></>] as [string, preact.JSX.Element]] : []),
        ]}
      />
      <p class="muted small">Whether any report of this test was changed or deleted since, {signed ? "and whether the signature is good, " : ""}says:</p>
      <Command text={`kubectl kymaros verify ${report.spec.testRef} -n ${namespace}`} label="the command that verifies it" />
      <p class="buttons no-print">
        <button type="button" class="small" onClick={() => void download(report)}><Icon name="download" size={15} /> Report as it is stored</button>
        {signed && <button type="button" class="small" onClick={() => save(e.envelope, `${fileOf(report)}.dsse.json`)}><Icon name="download" size={15} /> Signature (DSSE)</button>}
      </p>
      <p class="muted small print-only">Report {namespace}/{name}</p>
    </Panel>
  );
}

// Head is the newest report of a test as its status knows it. Whoever has kept it elsewhere can tell later that none is missing.
export function Head({ t }: { t: Test }) {
  const last = t.status?.lastRun;
  if (!last?.sequence || !last.digest) return null;
  const { namespace, name } = t.metadata;
  return (
    <Panel title="Chain of reports" aside={<span class="muted num">head #{last.sequence}</span>}>
      <p class="muted small">The newest report is number {last.sequence}, and its digest is</p>
      <p><Digest of={last.digest} label="the digest of the newest report" /></p>
      <p class="muted small">Every message carries both. Who has kept them elsewhere can show that no report was changed or deleted:</p>
      <Command text={`kubectl kymaros verify ${name} -n ${namespace} --head ${last.sequence}:${short(last.digest)}`} label="the command that verifies the chain" />
    </Panel>
  );
}

// fileOf is what `kubectl kymaros export` calls a report.
const fileOf = (r: Report) => `${String(r.status.evidence?.sequence ?? 0).padStart(6, "0")}-${r.metadata.name}`;

// download hands out a report as the API server stores it: its digest is of that, and of nothing else.
export async function download(report: Report) {
  try {
    save((await get<Stored>(pathOf(report))).data.report, `${fileOf(report)}.report.json`);
  } catch (error) {
    say(`The report was not read: ${why(error)}`, true);
  }
}

function save(value: unknown, name: string) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2) + "\n"], { type: "application/json" }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
