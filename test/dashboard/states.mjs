// What pages show when there is nothing to show, or not yet, or not to this reader, or nobody answers.
import { audit } from "./audit.mjs";
import { attempt, base, context, expected, go, signIn } from "./browser.mjs";

// Answers of the API that it gives otherwise, by the start of their path: as an attempt needs them, whatever the stage holds.
const gives = (status, body) => (p, path) => p.route((url) => url.pathname.startsWith(path), (route) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify(body) }));
const empty = gives(200, []);
const fails = gives(500, { status: 500, title: "Internal Server Error", detail: "the cache of reports is broken" });
const refuses = gives(401, { status: 401, detail: "the token has ended" });
const waits = (p, path) => p.route((url) => url.pathname.startsWith(path), () => {}); // no answer, ever
const breaks = (p, path) => p.route((url) => url.pathname.startsWith(path), (route) => route.abort());
const nothing = () => {};
// endsAtOnce has a page's stream of changes end, so that it soon asks again.
const endsAtOnce = (p) => p.route((url) => url.pathname === "/api/v1/watch", (route) => route.fulfill({ status: 200, contentType: "text/event-stream", body: "" }));
// goesAway has nobody answer any more once the page is there.
const goesAway = async (p) => {
  await p.locator(".strip a").first().waitFor();
  await breaks(p, "/api/v1/");
};

const covered = { items: [], total: 0, unseen: [], counts: { failed: 0, unprotected: 0, unproven: 0, partial: 0, stale: 0, verified: 0, ignored: 0, volumesTotal: 0, volumesProven: 0 } };

// Each state: who looks at which address, what is so before, what is shown, and what happens while they look.
const states = {
  "no test yet": ["oncall", "/", (p) => empty(p, "/api/v1/tests"), "There is no restore test in the namespaces that you may see."],
  "no tests to list": ["oncall", "/tests", (p) => empty(p, "/api/v1/tests"), "There is no restore test in the namespaces that you may see."],
  "no test that matches": ["oncall", "/tests?q=nothing+like+it", nothing, "No test matches."],
  "no reports": ["oncall", "/reports", (p) => empty(p, "/api/v1/reports"), "No run ended in this time."],
  "no policies": ["oncall", "/policies", (p) => empty(p, "/api/v1/policies"), "There is no policy in the namespaces that you may see."],
  "nothing to cover": ["oncall", "/coverage", (p) => gives(200, covered)(p, "/api/v1/coverage"), "No namespace counts for the coverage"],
  "a test that never ran": ["oncall", "/tests/team-crm/mailing", nothing, "No run has ended yet."],
  "no such page": ["oncall", "/settings", nothing, "There is nothing at this address"],
  "nothing may be seen": ["stranger", "/", nothing, "may not see any test"],
  "no tests that may be listed": ["stranger", "/tests", nothing, "may not see any test"],
  "a test that may not be seen": ["stranger", "/tests/team-web/shop", nothing, "You may not see this"],
  "a coverage that may not be seen": ["stranger", "/coverage", nothing, "You may not see this"],
  "a coverage seen in part": ["surveyor", "/coverage", nothing, "Not all of it could be looked at."],
  "tests that are loading": ["oncall", "/tests", (p) => waits(p, "/api/v1/tests"), "Loading tests …"],
  "a test that is loading": ["oncall", "/tests/team-web/shop", (p) => waits(p, "/api/v1/namespaces/team-web/tests/shop"), "Loading test shop …"],
  "a coverage that is loading": ["oncall", "/coverage", (p) => waits(p, "/api/v1/coverage"), "Loading namespaces, volumes and backups …"],
  "tests that cannot be had": ["oncall", "/tests", (p) => fails(p, "/api/v1/tests"), "kymaros-api could not answer"],
  "a report that cannot be had": ["oncall", "/reports/team-web/shop", (p) => fails(p, "/api/v1/namespaces/team-web/reports"), "kymaros-api could not answer"],
  "nobody answers": ["oncall", "/", (p) => breaks(p, "/api/v1/tests"), "kymaros-api does not answer since"],
  "nobody answers any more": ["oncall", "/tests/team-pay/ledger", endsAtOnce, "kymaros-api does not answer since", goesAway],
  "a session that has ended": ["oncall", "/", (p) => refuses(p, "/api/v1/policies"), "has ended. Sign in again", (p) => go(p, "/policies")],
};

// tryStates looks at each of them in one theme at one width.
export async function tryStates(look) {
  const of = () => context({ colorScheme: look.colorScheme, viewport: { width: look.width, height: 900 }, bypassCSP: true });
  expected.push("401", "403", "404", "500", "ERR_FAILED");
  for (const [name, [who, to, first, shows, then = nothing]] of Object.entries(states)) {
    await attempt(`${name} is shown in words, ${look.colorScheme} ${look.width}`, async () => {
      const p = await (await of()).newPage();
      try {
        await first(p); // before signing in: tests are asked for at once
        await signIn(p, who, to);
        await then(p);
        await p.getByText(shows).first().waitFor();
        await p.waitForTimeout(400);
        await audit(p, name, look);
      } finally {
        await p.context().close();
      }
    });
  }
  await attempt(`signing in while nobody answers is explained, ${look.colorScheme} ${look.width}`, async () => {
    const p = await (await of()).newPage();
    await breaks(p, "/api/v1/");
    await p.goto(base);
    await p.getByText("kymaros-api does not answer").waitFor();
    await audit(p, "sign in while nobody answers", look);
    await p.context().close();
  });
  await attempt(`a token that is refused is explained, ${look.colorScheme} ${look.width}`, async () => {
    const p = await (await of()).newPage();
    await p.goto(base);
    await p.locator("#token").fill("not.a.token");
    await p.keyboard.press("Enter");
    await p.getByText("The cluster does not take this token").waitFor();
    await audit(p, "sign in refused", look);
    await p.context().close();
  });
  expected.length = 0;
}
