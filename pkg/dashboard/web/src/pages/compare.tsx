import { useRoute } from "preact-iso";
import { at } from "../lib/api";
import { differences, incomparable } from "../lib/compare";
import { useResource } from "../lib/resource";
import { dayAndTime, seconds, span } from "../lib/time";
import type { Report } from "../lib/types";
import { At, Badge, Empty, Loading, Plain, Scroll, Title, Trouble } from "../ui/bits";
import { RTOBar } from "../ui/charts";
import { Icon } from "../ui/icons";

export function Compare() {
  const { params } = useRoute();
  const ns = params.ns!;
  const before = useResource<Report>(at`/api/v1/namespaces/${ns}/reports/${params.before!}`);
  const after = useResource<Report>(at`/api/v1/namespaces/${ns}/reports/${params.after!}`);
  const problem = before.problem ?? after.problem;
  const title = <Title document="Compare">Two runs side by side</Title>;
  if (!before.data || !after.data) return <>{title}{problem ? <Trouble problem={problem} /> : <Loading what="both reports" />}</>;
  const [a, b] = [before.data, after.data];
  const why = incomparable(a, b);
  const all = differences(a, b);
  return (
    <>
      <p class="crumbs"><a href={`/tests/${ns}/${b.spec.testRef}`}>{ns}/{b.spec.testRef}</a> <Icon name="next" size={13} /> compare</p>
      {title}
      {why.length > 0 && (
        <section class="verdict inconclusive">
          <p><Icon name="inconclusive" /> <strong>Not comparable.</strong> The two runs did not look at the same, so no difference below is a regression:</p>
          <Plain items={why} />
        </section>
      )}
      <div class="pair">{[a, b].map((r, i) => <Side key={r.metadata.name} r={r} word={i ? "Later" : "Earlier"} />)}</div>
      <section class="panel">
        <header><h2>What differs <span class="count">{all.length}</span></h2></header>
        {!all.length ? <Empty title="The two reports say the same." /> : (
          <Scroll label="Differences">
            <table class="table">
              <thead><tr><th scope="col">What</th><th scope="col">Earlier</th><th scope="col">Later</th><th scope="col">Means</th></tr></thead>
              <tbody>
                {all.map((d) => {
                  const effect = why.length && d.effect !== "neutral" ? "incomparable" : d.effect;
                  const state = { worse: "fail", better: "pass", neutral: "never", incomparable: "inconclusive" }[effect]!;
                  return <tr key={d.area + d.name + d.after}><th scope="row">{d.area}{d.name && <span class="sub">{d.name}</span>}</th><td>{d.before}</td><td>{d.after}</td><td><span class={`badge ${state}`}><Icon name={state} size={16} /> {{ worse: "worse", better: "better", neutral: "different", incomparable: "not comparable" }[effect]}</span></td></tr>;
                })}
              </tbody>
            </table>
          </Scroll>
        )}
      </section>
    </>
  );
}

function Side({ r, word }: { r: Report; word: string }) {
  return (
    <section class="panel">
      <header><h2>{word}</h2><a href={`/reports/${r.metadata.namespace}/${r.metadata.name}`}><At at={r.status.completedAt} format={dayAndTime} /></a></header>
      <p class="stateline"><Badge state={r.status.result} />{r.status.result !== "inconclusive" && <span class="score">{r.status.score}<span class="muted">/100</span></span>}{seconds(r.status.rto.measured) > 0 && <span class="muted">recovered in {span(seconds(r.status.rto.measured))}</span>}</p>
      {seconds(r.status.rto.measured) > 0 && <RTOBar rto={r.status.rto} />}
      <p class="muted small">Backup <code>{r.status.backup.name || "none"}</code></p>
    </section>
  );
}
