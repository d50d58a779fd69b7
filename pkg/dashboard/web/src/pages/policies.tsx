import { useLocation, useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { remove } from "../lib/act";
import { at } from "../lib/api";
import { tests } from "../lib/live";
import { manifest } from "../lib/manifest";
import { useResource } from "../lib/resource";
import { session } from "../lib/session";
import type { Me, Policy, PolicyCheck, PolicyItem, TestItem } from "../lib/types";
import { Command, Copy, Empty, Loading, Panel, Title, Trouble } from "../ui/bits";
import { Confirm } from "../ui/confirm";
import { Editor } from "../ui/editor";
import { Icon } from "../ui/icons";
import { SearchBox } from "../ui/search";

const perPage = 50;

// usersOf are the tests that name a policy.
const usersOf = (ns: string, name: string): TestItem[] => [...(tests.value?.values() ?? [])].filter((t) => t.namespace === ns && t.policy === name);

export function Policies() {
  const { query, route } = useLocation();
  const q = query.q ?? "";
  const found = useResource<PolicyItem[]>("/api/v1/policies?limit=1000", () => true);
  const by = new Map<string, number>();
  for (const t of tests.value?.values() ?? []) if (t.policy) by.set(`${t.namespace}/${t.policy}`, (by.get(`${t.namespace}/${t.policy}`) ?? 0) + 1);
  const rows = (found.data ?? []).filter((p) => !q || `${p.namespace}/${p.name}`.includes(q.toLowerCase()) || p.checks.some((c) => c.includes(q.toLowerCase())));
  const pages = Math.max(1, Math.ceil(rows.length / perPage));
  const on = Math.min(Math.max(1, Number(query.page) || 1), pages);
  const to = (more: Record<string, string>) => {
    const next = new URLSearchParams(Object.entries({ q, ...more }).filter(([, v]) => v));
    route(`/policies${next.size ? `?${next}` : ""}`, true);
  };
  return (
    <>
      <div class="pagehead">
        <Title document="Policies">Health check policies</Title>
        <a class="button primary" href="/policies/new"><Icon name="plus" size={16} /> New policy</a>
      </div>
      <p class="muted lead">What is asked of a restored application before a run counts as <em>Verified</em>.</p>
      {!found.data ? found.problem ? <Trouble problem={found.problem} retry={found.reload} /> : <Loading what="policies" /> : !found.data.length ? (
        <Empty title="There is no policy in the namespaces that you may see."><p>Without one, no run is more than Partial: nobody knows whether the application works.</p><p><a class="button primary" href="/policies/new">Write the first policy</a></p></Empty>
      ) : (
        <>
          <search class="toolbar">
            <SearchBox label="Search policies" by="name, namespace or check" q={q} search={(text) => to({ q: text, page: "" })} />
          </search>
          {!rows.length ? <Empty title="No policy matches."><button type="button" onClick={() => route("/policies", true)}>Show all {found.data.length}</button></Empty> : (
            <table class="table tests">
              <caption class="visually-hidden">Health check policies</caption>
              <thead><tr><th scope="col">Policy</th><th scope="col">Checks</th><th scope="col">Used by</th></tr></thead>
              <tbody>
                {rows.slice((on - 1) * perPage, on * perPage).map((p) => {
                  const n = by.get(`${p.namespace}/${p.name}`) ?? 0;
                  return (
                    <tr key={p.namespace + p.name}>
                      <th scope="row"><a class="name" href={`/policies/${p.namespace}/${p.name}`}><span class="ns">{p.namespace}/</span>{p.name}</a></th>
                      <td data-label="Checks">{p.checks.slice(0, 6).join(", ")}{p.checks.length > 6 && ` and ${p.checks.length - 6} more`}</td>
                      <td data-label="Used by">{n ? `${n} ${n === 1 ? "test" : "tests"}` : <span class="muted">no test</span>}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
          {pages > 1 && (
            <nav class="pages" aria-label="Pages of policies">
              <button type="button" disabled={on <= 1} onClick={() => to({ page: String(on - 1) })}>Previous</button>
              <span>{(on - 1) * perPage + 1}–{Math.min(on * perPage, rows.length)} of {rows.length}</span>
              <button type="button" disabled={on >= pages} onClick={() => to({ page: String(on + 1) })}>Next</button>
            </nav>
          )}
        </>
      )}
    </>
  );
}

export function PolicyPage() {
  const { params } = useRoute();
  const [ns, name] = [params.ns!, params.name!];
  const path = at`/api/v1/namespaces/${ns}/policies/${name}`;
  const found = useResource<Policy>(path, (id) => id === `${ns}/${name}`);
  const me = useResource<Me>(at`/api/v1/me?namespace=${ns}`);
  const [asking, ask] = useState(false);
  const { route } = useLocation();
  const title = <Title document={name}><span class="ns">{ns}/</span>{name}</Title>;
  if (!found.data) return <>{title}{found.problem ? <Trouble problem={found.problem} retry={found.reload} /> : <Loading what={`policy ${name}`} />}</>;
  const p = found.data;
  const users = usersOf(ns, name);
  const text = manifest("HealthCheckPolicy", p);
  const right = me.data?.rights.find((r) => r.verb === "delete" && r.resource === "healthcheckpolicies");
  return (
    <>
      <p class="crumbs"><a href="/policies">Policies</a> <Icon name="next" size={13} /> {ns}</p>
      <div class="pagehead">
        <div>{title}<p class="muted">{p.spec.checks.length} {p.spec.checks.length === 1 ? "check" : "checks"}, for {users.length === 1 ? "one test" : `${users.length || "no"} tests`}</p></div>
        <p class="buttons">
          <a class="button" href={`/policies/${ns}/${name}/edit`}><Icon name="edit" size={16} /> Edit</a>
          <button type="button" disabled={right?.allowed === false} title={right?.remedy ?? ""} onClick={() => ask(true)}><Icon name="trash" size={16} /> Delete</button>
        </p>
      </div>
      {asking && (
        <Confirm title={`Delete policy ${name}?`} action={`Delete ${name}`} close={() => ask(false)} act={() => remove(path, `${ns}/${name}`, "Reports of what it checked stay.").then((done) => done && route("/policies"))}>
          {users.length ? <p>{users.length === 1 ? <>Test <strong>{users[0]!.name}</strong> names it</> : <><strong>{users.length} tests</strong> name it ({users.slice(0, 3).map((t) => t.name).join(", ")}{users.length > 3 && ", …"})</>}: their runs are <em>Inconclusive</em> until there is a policy of that name again.</p> : <p>No test that you may see names it.</p>}
          <p class="muted">Reports of earlier runs, and what they say of its checks, stay.</p>
        </Confirm>
      )}
      <div class="columns">
        <div>
          <Panel title="Checks">
            <ul class="levels">
              {p.spec.checks.map((c) => {
                const timeout = (c[c.type] as { timeout?: string } | undefined)?.timeout;
                return <li key={c.name}><strong>{c.name}</strong> <span class="muted small">{c.type}{timeout && `, within ${timeout}`}</span><p class="breaks">{passes(c)}</p></li>;
              })}
            </ul>
          </Panel>
        </div>
        <div>
          <Panel title="Used by">
            {users.length ? <ul class="rows">{users.slice(0, 20).map((t) => <li key={t.name}><a class="name" href={`/tests/${t.namespace}/${t.name}`}><span class="ns">{t.namespace}/</span>{t.name}</a></li>)}</ul> : <p class="muted">No test names it in its health checks.</p>}
          </Panel>
          <Panel title="Manifest" aside={<Copy text={text} label="the manifest" />}><pre class="code" tabIndex={0}>{text}</pre></Panel>
          <Panel title="From a terminal"><Command text={`kubectl -n ${ns} get healthcheckpolicy ${name} -o yaml`} /></Panel>
        </div>
      </div>
    </>
  );
}

// passes says in words when a check passes.
function passes(c: PolicyCheck): string {
  const body = (key: string) => (c[key] ?? {}) as Record<string, unknown>;
  const expected = (e: unknown) => Object.entries(e ?? {}).map(([k, v]) => `${k} ${v && typeof v === "object" ? Object.values(v).join(" ") : String(v)}`).join(", ");
  switch (c.type) {
    case "httpGet": {
      const h = body("httpGet");
      return `GET ${String(h.service)}:${String(h.port)}${String(h.path)} answers ${String(h.expectedStatus)}`;
    }
    case "tcpSocket":
      return `${String(body("tcpSocket").service)}:${String(body("tcpSocket").port)} takes connections`;
    case "exec": {
      const command = body("exec").command;
      const said = expected(body("exec").expect);
      return `${Array.isArray(command) ? command.join(" ") : "its command"} succeeds${said ? `, and says ${said}` : ""}`;
    }
    case "podStatus":
      return `at least ${String(body("podStatus").minReady)} of the pods with ${Object.entries(body("podStatus").labelSelector ?? {}).map(([k, v]) => `${k}=${v}`).join(", ") || "any labels"} are ready`;
  }
  const resources = (body("resourceExists").resources ?? []) as { kind: string; name: string }[];
  return resources.length ? `there is ${resources.map((r) => `${r.kind}/${r.name}`).join(", ")}` : c.type;
}

const template = (namespace: string) => `apiVersion: restore.kymaros.io/v1alpha1
kind: HealthCheckPolicy
metadata:
  name: my-checks
  namespace: ${namespace || "NAMESPACE"}
spec:
  checks:
  # the database takes connections
  - name: database
    type: tcpSocket
    tcpSocket: {service: db, port: 5432}
`;

export function NewPolicy() {
  const s = session.value;
  return (
    <>
      <Title document="New policy">New policy</Title>
      <Editor kind="HealthCheckPolicy" text={template(s.state === "in" ? (s.me.namespaces[0] ?? "") : "")} cancel="/policies" />
    </>
  );
}

export function EditPolicy() {
  const { params } = useRoute();
  const [ns, name] = [params.ns!, params.name!];
  const found = useResource<Policy>(at`/api/v1/namespaces/${ns}/policies/${name}`);
  const title = <Title document={`Edit ${name}`}>Edit <span class="ns">{ns}/</span>{name}</Title>;
  if (!found.data) return <>{title}{found.problem ? <Trouble problem={found.problem} retry={found.reload} /> : <Loading what={`policy ${name}`} />}</>;
  return <>{title}<Editor kind="HealthCheckPolicy" text={manifest("HealthCheckPolicy", found.data)} version={found.data.metadata.resourceVersion} cancel={`/policies/${ns}/${name}`} /></>;
}
