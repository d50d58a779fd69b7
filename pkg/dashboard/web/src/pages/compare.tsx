import { useRoute } from "preact-iso";
import { useResource } from "../lib/resource";
import { dayAndTime, seconds, span } from "../lib/time";
import { words } from "../lib/result";
import { type Change, type ComparedReport, type Comparison, levelNames } from "../lib/types";
import { At, Badge, Empty, Hidden, Loading, Plain, Scroll, Title, Trouble } from "../ui/bits";
import { RTOBar } from "../ui/charts";
import { Icon } from "../ui/icons";

export function Compare() {
  const { params } = useRoute();
  const ns = params.ns!;
  const of = (name: string) => encodeURIComponent(`${ns}/${name}`);
  const found = useResource<Comparison>(`/api/v1/compare?before=${of(params.before!)}&after=${of(params.after!)}`);
  const title = <Title document="Compare">Two runs side by side</Title>;
  if (!found.data) return <>{title}{found.problem ? <Trouble problem={found.problem} retry={found.reload} /> : <Loading what="both reports" />}</>;
  const { before, after, incomparable, changes } = found.data;
  return (
    <>
      <p class="crumbs"><a href={`/tests/${ns}/${after.spec.testRef}`}>{ns}/{after.spec.testRef}</a> <Icon name="next" size={13} /> compare</p>
      {title}
      {incomparable.length > 0 && (
        <section class="verdict inconclusive">
          <p><Icon name="inconclusive" /> <strong>Not comparable.</strong> The two runs did not look at the same, so what follows from that is no regression:</p>
          <Plain items={incomparable} of="reasons" />
        </section>
      )}
      <div class="pair">{[before, after].map((r, i) => <Side key={i} r={r} word={i ? "Later" : "Earlier"} />)}</div>
      <section class="panel">
        <header><h2>What differs <span class="count">{changes.length}</span></h2></header>
        {!changes.length ? <Empty title="The two reports say the same." /> : (
          <Scroll label="Differences">
            <table class="table"><caption class="visually-hidden">What differs between the two reports</caption>
              <thead><tr><th scope="col">What</th><th scope="col">Means</th><th scope="col">Earlier</th><th scope="col">Later</th></tr></thead>
              <tbody>
                {changes.map((c, i) => {
                  const [earlier, later] = sides(c);
                  const [state, word] = effects[c.effect];
                  return <tr key={i}><th scope="row">{areas[c.area] ?? c.area}{c.name && <span class="sub">{c.area === "level" ? levelNames[c.name as keyof typeof levelNames] ?? c.name : parts[c.name] ?? c.name}</span>}</th><td><span class={`badge ${state}`}><Icon name={state} size={16} /> {word}</span></td><td>{earlier}</td><td>{later}</td></tr>;
                })}
              </tbody>
            </table>
          </Scroll>
        )}
      </section>
    </>
  );
}

const effects = { worse: ["fail", "worse"], better: ["pass", "better"], neutral: ["never", "different"], incomparable: ["inconclusive", "not comparable"] } as const;
const areas: Record<string, string> = { result: "Result", score: "Score", level: "Level", check: "Check", rto: "Time", volume: "Volume", missing: "Missing object", leftOut: "Left out", cap: "Cannot be Verified", withheld: "Kept from acting", violation: "Acted", notTested: "Not tested", guard: "Guard", hygiene: "Cleanup" };
const parts: Record<string, string> = { measured: "recovery", target: "target", restore: "of it Velero's restore", volumeData: "of it data of volumes", pods: "of it pods", checks: "of it checks", isolationProof: "isolation", fence: "fence" };

// sides says what each report says. One of a list has no value: it is there, or it is not.
function sides(c: Change): [string, string] {
  const say = (text = "") => (c.area === "result" ? text.replace(/^\w+/, (w) => words[w as keyof typeof words] ?? w) : c.area === "rto" && seconds(text) ? span(seconds(text)) : text);
  const there = !c.before && !c.after;
  if (c.kind === "new") return ["–", there ? "there" : say(c.after)];
  if (c.kind === "gone") return [there ? "there" : say(c.before), "–"];
  return [say(c.before) || "none", say(c.after) || "none"];
}

function Side({ r, word }: { r: ComparedReport; word: string }) {
  const measured = seconds(r.status.rto.measured);
  return (
    <section class="panel">
      <header><h2>{word}</h2><a href={`/reports/${r.metadata.namespace}/${r.metadata.name}`}><Hidden>{word} report, </Hidden><At at={r.status.completedAt} format={dayAndTime} /></a></header>
      <p class="stateline"><Badge state={r.status.result} />{r.status.result !== "inconclusive" && <span class="score">{r.status.score}<span class="muted">/100</span></span>}<span class="muted">{measured > 0 ? `recovered in ${span(measured)}` : r.status.result === "inconclusive" ? "showed nothing about the backup" : "did not recover"}</span></p>
      {measured > 0 && <RTOBar rto={{ ...r.status.rto, parts: r.rtoParts }} />}
      <p class="muted small">Backup <code>{r.status.backup.name || "none"}</code></p>
    </section>
  );
}
