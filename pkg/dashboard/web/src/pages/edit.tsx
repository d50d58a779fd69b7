import { useMemo, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { say, why } from "../lib/act";
import { at, Problem, send } from "../lib/api";
import { inWords } from "../lib/cron";
import { bodyOf, type Fields, fieldsOf, fresh, specOf } from "../lib/form";
import { useResource } from "../lib/resource";
import { manifest } from "../lib/manifest";
import { session } from "../lib/session";
import type { Test } from "../lib/types";
import { Copy, Loading, Panel, Title, Trouble } from "../ui/bits";
import { Editor } from "../ui/editor";

export function NewTest() {
  const s = session.value;
  const first = s.state === "in" ? (s.me.namespaces[0] ?? "") : "";
  return <Form fields={{ ...fresh, namespace: first }} />;
}

export function EditTest() {
  const { params } = useRoute();
  const test = useResource<Test>(at`/api/v1/namespaces/${params.ns!}/tests/${params.name!}`);
  if (!test.data) return <><Title document="Edit">Edit {params.name}</Title>{test.problem ? <Trouble problem={test.problem} retry={test.reload} /> : <Loading what={`test ${params.name}`} />}</>;
  return <Form fields={fieldsOf(test.data)} test={test.data} />;
}

function Form({ fields, test: given }: { fields: Fields; test?: Test }) {
  // The test as it was when the form came up: a change that somebody makes meanwhile is refused, not overwritten.
  const [test] = useState(given);
  const [f, set] = useState(fields);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const { route } = useLocation();
  const policies = useResource<{ name: string; namespace: string }[]>("/api/v1/policies");
  const spec = useMemo(() => specOf(f, test?.spec), [f]);
  const [byHand, writeByHand] = useState(false);
  const yaml = manifest("RestoreTest", { metadata: { name: f.name || "NAME", namespace: f.namespace || "NAMESPACE", labels: test?.metadata.labels }, spec });
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    const { name, namespace } = f;
    const body = bodyOf(f, test);
    try {
      if (test) await send("PUT", at`/api/v1/namespaces/${namespace}/tests/${name}`, body);
      else await send("POST", "/api/v1/tests", body);
      say(test ? `${name} is changed. It counts from the next run.` : `${name} is created, and runs as soon as its turn comes.`);
      route(`/tests/${namespace}/${name}`);
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof Problem ? new Problem(error.status, why(error), error.body) : new Problem(0, String(error)));
    }
  };
  const text = (key: keyof Fields, label: string, note: preact.ComponentChildren, more: { list?: string; pattern?: string; required?: boolean; placeholder?: string; disabled?: boolean } = {}) => {
    const wrong = problem?.body.field === key;
    return (
      <p class="field">
        <label for={key}>{label}{more.required && <span aria-hidden="true"> *</span>}</label>
        <input id={key} type="text" value={f[key] as string} onInput={(e) => set({ ...f, [key]: e.currentTarget.value })} autocomplete="off" spellcheck={false} aria-invalid={wrong ? "true" : undefined} aria-describedby={`${key}-note`} {...more} />
        <span id={`${key}-note`} class={wrong ? "wrong" : "muted small"}>{wrong ? problem.message : note}</span>
      </p>
    );
  };
  const title = <Title document={test ? `Edit ${f.name}` : "New test"}>{test ? <>Edit <span class="ns">{f.namespace}/</span>{f.name}</> : "New test"}</Title>;
  if (byHand) {
    return (
      <>
        {title}
        <Editor kind="RestoreTest" text={yaml} version={test?.metadata.resourceVersion} cancel={test ? `/tests/${f.namespace}/${f.name}` : "/tests"}>
          <p><button type="button" class="link" onClick={() => writeByHand(false)}>Back to the form</button> <span class="muted small">without what is written here</span></p>
        </Editor>
      </>
    );
  }
  return (
    <>
      {title}
      <form class="columns" onSubmit={submit}>
        <div>
          <Panel title="What">
            {text("name", "Name", "Lower case letters, digits and -.", { required: true, disabled: !!test, pattern: "[a-z0-9]([a-z0-9.\\-]*[a-z0-9])?" })}
            {text("namespace", "Namespace of the test", "Reports are written there too.", { required: true, disabled: !!test, list: "known-namespaces" })}
            {text("namespaces", "Namespaces to restore", "One, or several with commas: they are restored together.", { required: true, placeholder: "shop, shop-db" })}
            {text("backupName", "Backup", "Empty or latest: the newest that holds them all.", { placeholder: "latest" })}
          </Panel>
          <Panel title="When">
            {text("cron", "Schedule", <>{inWords(f.cron, f.timezone)}</>, { required: true })}
            {text("timezone", "Time zone", "Such as Europe/Brussels. Empty: UTC.")}
          </Panel>
          <Panel title="How it is judged">
            {text("healthCheckRef", "Health check policy", "Without one a run is never more than Partial.", { list: "known-policies" })}
            {text("healthCheckTimeout", "Time for each check", "Such as 30s.", { placeholder: "30s" })}
            {text("maxRTO", "Recovery time target", "Such as 15m. Empty: none.", { placeholder: "15m" })}
            <p class="field check"><label><input type="checkbox" checked={f.alertOnExceed} disabled={!f.maxRTO} onChange={(e) => set({ ...f, alertOnExceed: e.currentTarget.checked })} /> Warn when it takes longer</label></p>
          </Panel>
          <Panel title="Sandbox">
            <p class="field">
              <label for="networkIsolation">Network</label>
              <select id="networkIsolation" value={f.networkIsolation} onChange={(e) => set({ ...f, networkIsolation: e.currentTarget.value })}>
                <option value="strict">strict: no traffic at all</option>
                <option value="group">group: among the sandboxes of the run</option>
              </select>
            </p>
            {text("ttl", "Longest life", "Such as 1h.", { placeholder: "1h" })}
            {text("quotaCpu", "CPU", "Empty: twice what production requests.", { placeholder: "2" })}
            {text("quotaMemory", "Memory", "Empty: twice what production requests.", { placeholder: "4Gi" })}
            {text("sandboxPrefix", "Prefix of its name", "Empty: rp-test.", { placeholder: "rp-test" })}
          </Panel>
        </div>
        <div class="sticky">
          <Panel title="The manifest that it makes" aside={<Copy text={yaml} label="the manifest" />}>
            <pre class="code" tabIndex={0}>{yaml}</pre>
            <p class="muted small">{test && "What the form has no field for is kept as it is. "}<button type="button" class="link" onClick={() => writeByHand(true)}>Write it by hand</button></p>
          </Panel>
          {problem && <Trouble problem={problem} />}
          <p class="buttons"><button class="primary" disabled={busy}>{busy ? "Saving …" : test ? "Save" : "Create"}</button> <a class="button" href={test ? `/tests/${f.namespace}/${f.name}` : "/tests"}>Cancel</a></p>
          <p class="muted small">It is done with your own rights: the API server judges you, not the dashboard.</p>
        </div>
        <datalist id="known-policies">{(policies.data ?? []).filter((p) => !f.namespace || p.namespace === f.namespace).map((p) => <option key={p.name} value={p.name} />)}</datalist>
        <datalist id="known-namespaces">{(session.value.state === "in" ? session.value.me.namespaces : []).map((ns) => <option key={ns} value={ns} />)}</datalist>
      </form>
    </>
  );
}
