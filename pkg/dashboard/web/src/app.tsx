import { useEffect, useState } from "preact/hooks";
import { Route, Router, useLocation } from "preact-iso";
import { link, start, stop, warning } from "./lib/live";
import { session, signOut } from "./lib/session";
import { now } from "./lib/time";
import { Stale } from "./ui/bits";
import { Icon } from "./ui/icons";
import { Help, useKeys } from "./ui/keys";
import { Notice } from "./ui/notice";
import { Overview } from "./pages/overview";
import { ReportPage } from "./pages/report";
import { Reports } from "./pages/reports";
import { SignIn } from "./pages/signin";
import { TestPage } from "./pages/test";
import { Tests } from "./pages/tests";
import { CoveragePage } from "./pages/coverage";
import { EditPolicy, NewPolicy, Policies, PolicyPage } from "./pages/policies";
import { EditTest, NewTest } from "./pages/edit";
import { Compare } from "./pages/compare";
import { NotFound } from "./pages/notfound";

export function App() {
  const s = session.value;
  const user = s.state === "in" ? s.me.user : "";
  useEffect(() => {
    if (!user) return;
    start();
    return stop;
  }, [user]);
  if (s.state === "looking") return <p class="boot">Looking for a session …</p>;
  if (s.state !== "in") return <SignIn />;
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Notices />
        <Router>
          <Route path="/" component={Overview} />
          <Route path="/tests" component={Tests} />
          <Route path="/tests/new" component={NewTest} />
          <Route path="/tests/:ns/:name" component={TestPage} />
          <Route path="/tests/:ns/:name/edit" component={EditTest} />
          <Route path="/reports" component={Reports} />
          <Route path="/reports/:ns/:name" component={ReportPage} />
          <Route path="/coverage" component={CoveragePage} />
          <Route path="/policies" component={Policies} />
          <Route path="/policies/new" component={NewPolicy} />
          <Route path="/policies/:ns/:name" component={PolicyPage} />
          <Route path="/policies/:ns/:name/edit" component={EditPolicy} />
          <Route path="/compare/:ns/:before/:after" component={Compare} />
          <Route default component={NotFound} />
        </Router>
      </main>
      <Notice />
    </>
  );
}

const places: [path: string, word: string][] = [
  ["/", "Overview"],
  ["/tests", "Tests"],
  ["/reports", "Reports"],
  ["/coverage", "Coverage"],
  ["/policies", "Policies"],
];

function Header() {
  const { path } = useLocation();
  const [help, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  const s = session.value;
  if (s.state !== "in") return null;
  return (
    <header class="top no-print">
      <a class="brand" href="/" aria-label="Kymaros, overview">
        <img src="/static/icon.svg" width="26" height="26" alt="" />
        <span>Kymaros</span>
      </a>
      <nav aria-label="Pages">
        {places.map(([to, word]) => (
          <a key={to} href={to} aria-current={to === "/" ? (path === "/" ? "page" : undefined) : path.startsWith(to) ? "page" : undefined}>
            {word}
          </a>
        ))}
      </nav>
      <div class="who">
        <LinkState />
        <button type="button" class="quiet wide" onClick={() => setHelp(true)} aria-label="Keys" title="Keys: ?">?</button>
        <details class="menu">
          <summary aria-label={`Signed in as ${s.me.user}`}>{short(s.me.user)}</summary>
          <div>
            <p class="breaks"><strong>{s.me.user}</strong></p>
            <p class="muted">{s.me.readOnly ? "Good for reading here only." : "Your own rights count for all that you do here."}</p>
            <button type="button" onClick={signOut}><Icon name="out" size={16} /> Sign out</button>
          </div>
        </details>
      </div>
      {help && <Help close={() => setHelp(false)} />}
    </header>
  );
}

const short = (user: string) => user.replace(/^system:serviceaccount:[^:]+:/, "");

const states = {
  connecting: ["…", "Connecting"],
  live: ["●", "Live"],
  polling: ["○", "Every 10 s"],
  away: ["▲", "Away"],
} as const;

function LinkState() {
  const state = link.value.state;
  const [sign, word] = states[state];
  return (
    <span class={`linkstate ${state}`} role="status" title={state === "live" ? "Changes come as they happen." : state === "polling" ? "This API has no stream: it is asked every 10 seconds." : ""}>
      <i aria-hidden="true">{sign}</i> {word}
    </span>
  );
}

function Notices() {
  const s = session.value;
  const left = s.state === "in" && s.expires ? s.expires - now.value : Infinity;
  return (
    <div aria-live="polite">
      <Stale />
      {warning.value && <p class="stale"><Icon name="warn" size={16} /> {warning.value.replace(/^110 \S+ "?/, "").replace(/"$/, "")}</p>}
      {left < 5 * 60_000 && <p class="stale"><Icon name="warn" size={16} /> Your token ends in {Math.max(0, Math.ceil(left / 60_000))} min. Sign in again to go on: nothing on this page is lost.</p>}
    </div>
  );
}
