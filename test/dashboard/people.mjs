// What people do at the dashboard. Each line of output is one thing that was tried.
import { attempt, axe, base, browser, context, control, expected, go, must, secure, signIn, tokens, wrongs } from "./browser.mjs";

const c = await context();
const page = await c.newPage();
const heading = (name) => page.getByRole("heading", { level: 1, name }).waitFor();

// rows waits until a table has so many.
const rows = async (n) => {
  for (let i = 0; i < 100 && (await page.locator("tbody tr").count()) !== n; i++) await page.waitForTimeout(50);
  must("rows", await page.locator("tbody tr").count(), n);
};

await attempt("a token that is none is refused in words", async () => {
  expected.push("401");
  await page.goto(base + "/tests/team-web/shop");
  await page.locator("#token").fill("not.a.token");
  await page.keyboard.press("Enter");
  await page.getByText("The cluster does not take this token").waitFor();
});
await attempt("a kubeconfig without a token is told what to do", async () => {
  await page.locator("#token").fill("apiVersion: v1\nkind: Config\nusers:\n- user:\n    client-certificate-data: abc");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This kubeconfig holds no token").waitFor();
});
await attempt("a kubeconfig's token signs in, and leads to the page that was asked for", async () => {
  await page.locator("#token").fill(`apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    token: ${tokens.oncall}\n`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading("team-web/shop");
  expected.pop();
});
await attempt("the token is stored nowhere", async () => {
  must("stores", await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
});
await attempt("a second tab is signed in already, and signing out ends both", async () => {
  const other = await c.newPage();
  await other.goto(base + "/tests");
  await other.getByRole("heading", { level: 1, name: "Tests" }).waitFor();
  await other.locator(".menu summary").click();
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.locator("#token").waitFor();
  await page.locator("#token").waitFor();
  await other.close();
  await signIn(page, "oncall");
});
await attempt("the overview says what can be restored, and what needs somebody", async () => {
  await heading(/18 of 25 namespaces under test are proven to restore/);
  must("needs", await page.locator(".needs li .name").allTextContents(), ["team-pay/billing", "team-web/media", "team-data/registry", "team-pay/ledger", "team-web/search", "team-crm/crm", "team-crm/mailing"]);
  await page.getByText("Check newest-invoice: the output is 812").waitFor();
  await page.getByText("NotStarted").waitFor();
  must("marks", await page.locator(".glance .mark").count(), 24);
});
await attempt("a filter is in the address, and back again", async () => {
  await page.locator(".counts").getByRole("link", { name: /Failed/ }).click();
  await heading("Tests");
  must("rows", await page.locator("tbody tr").count(), 2);
  await page.getByRole("button", { name: /All/ }).click();
  await page.locator("input[type=search]").fill("team-pay/");
  await rows(4);
  must("address", new URL(page.url()).search, "?q=team-pay%2F");
  await page.locator("input[type=search]").fill("nothing like it");
  await page.getByText("No test matches.").waitFor();
});
await attempt("the keyboard alone leads from the overview to a report", async () => {
  await go(page, "/");
  await heading(/namespaces under test/);
  await page.keyboard.type("gt");
  await heading("Tests");
  await page.keyboard.press("/");
  await page.keyboard.type("billing");
  await rows(1);
  const tabTo = async (name) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.textContent)) === name) return;
    }
    throw new Error(`Tab never comes to ${name}`);
  };
  await tabTo("team-pay/billing");
  await page.keyboard.press("Enter");
  await heading("team-pay/billing");
  await tabTo("Open the report");
  await page.keyboard.press("Enter");
  await heading(/Failed.*billing/);
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});
await attempt("a report shows verdict, levels, volumes, what was not tested, and no time that it does not hold", async () => {
  await page.getByText("CheckFailed:").waitFor();
  must("levels", await page.locator(".levels .num").allTextContents(), ["25/25", "20/20", "20/20", "5/20", "8/10", "0/5"]);
  must("volumes", await page.getByText("file-system backup").count(), 2);
  must("not tested", await page.locator(".untested li").count(), 5);
  must("moments", await page.locator(".timeline li span").allTextContents(), ["the backup was begun", "the run began", "verdict", "cleaned up"]);
});
await attempt("two reports are compared", async () => {
  await go(page, "/tests/team-pay/billing");
  await page.getByLabel(/^Compare the run of/).nth(0).check();
  await page.getByLabel(/^Compare the run of/).nth(2).check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  await heading("Two runs side by side");
  await page.getByRole("row", { name: /Result Verified Failed worse/ }).waitFor();
  must("not comparable", await page.getByText("Not comparable.").count(), 0);
});
await attempt("a comparison with a run that showed nothing is none", async () => {
  await go(page, "/tests/team-crm/crm");
  await page.getByLabel(/^Compare the run of/).nth(0).check();
  await page.getByLabel(/^Compare the run of/).nth(1).check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  await page.getByText("Not comparable.").waitFor();
  must("worse", await page.getByText("worse", { exact: true }).count(), 0);
});
await attempt("a run is asked for, and watched to its end without reloading", async () => {
  await go(page, "/tests/team-web/shop");
  await page.locator(".linkstate.live").waitFor();
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByText("team-web/shop was asked to run").waitFor();
  await control("requested");
  await control("begin");
  await page.getByText("812/1204 objects").waitFor();
  must("run now", await page.getByRole("button", { name: "Run now" }).isDisabled(), true);
  await control("finish");
  await page.locator(".stateline .score").filter({ hasText: "91" }).waitFor();
  await page.locator('.strip a[href$="/shop-now"]').click();
  await heading(/Verified.*shop/);
});
await attempt("a test is suspended, and loses nothing by that", async () => {
  await go(page, "/tests/team-ops/vault");
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await control("suspended");
});
await attempt("an edit keeps what the form does not know", async () => {
  await go(page, "/tests/team-web/media/edit");
  await page.getByLabel("Schedule").fill("30 4 * * *");
  await page.getByText("every day at 04:30").waitFor();
  must("preview", /jitter: "20m"[\s\S]*searchLastGood/.test(await page.locator("pre").textContent()), true);
  await page.getByRole("button", { name: "Save" }).click();
  await heading("team-web/media");
  await control("edited");
});
await attempt("what the API server refuses is said at its field", async () => {
  expected.push("400", "422");
  await go(page, "/tests/new");
  await page.getByLabel("Name *").fill("made");
  await page.getByLabel("Namespace of the test").fill("team-ops");
  await page.getByLabel("Namespaces to restore").fill("made, made-db");
  await page.getByLabel("Recovery time target").fill("10 parsecs");
  await page.getByRole("button", { name: "Create" }).click();
  await page.locator("#maxRTO-note.wrong").waitFor();
  expected.length = 0;
});
await attempt("a test is made by the form", async () => {
  await page.getByLabel("Recovery time target").fill("10m");
  await page.getByRole("button", { name: "Create" }).click();
  await heading("team-ops/made");
  await control("created");
});
await attempt("an address that is none says so", async () => {
  await go(page, "/settings");
  await heading("There is nothing at this address");
});
await attempt("kymaros-api goes away and comes back, and nothing on the page is lost", async () => {
  expected.push("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY_RESPONSE", "503");
  await go(page, "/tests");
  await page.locator("tbody tr").first().waitFor();
  await control("stop");
  await page.getByText("kymaros-api does not answer since").waitFor();
  must("rows", (await page.locator("tbody tr").count()) > 20, true);
  await control("start");
  await page.getByText("kymaros-api does not answer since").waitFor({ state: "detached", timeout: 40_000 });
  await page.locator(".linkstate.live").waitFor();
  expected.length = 0;
});

// Over TLS the API keeps the token for the browser.
await attempt("over TLS the session outlives a reload, and no script can read it", async () => {
  const p = await (await context({ ignoreHTTPSErrors: true })).newPage();
  await signIn(p, "oncall", "/tests/team-ops/wiki", secure);
  const cookies = await p.context().cookies();
  must("cookies", cookies.map((k) => [k.name, k.httpOnly, k.secure, k.sameSite]), [["__Host-kymaros", true, true, "Strict"]]);
  const sent = [];
  p.on("request", (r) => r.url().includes("/api/") && sent.push(r.headers().authorization ?? ""));
  await p.reload();
  await p.getByRole("heading", { level: 1, name: "team-ops/wiki" }).waitFor();
  await p.getByRole("button", { name: "Run now" }).click();
  await p.getByText("team-ops/wiki was asked to run").waitFor();
  must("tokens that a script sent", sent.filter(Boolean), []);
  await p.locator(".menu summary").click();
  await p.getByRole("button", { name: "Sign out" }).click();
  await p.locator("#token").waitFor();
  await p.reload();
  await p.locator("#token").waitFor();
  must("cookies after signing out", (await p.context().cookies()).length, 0);
  await p.context().close();
});

// Who may see less.
await attempt("who may see one namespace sees it, and what is missing for the rest", async () => {
  expected.push("403");
  const p = await (await context()).newPage();
  await signIn(p, "payer", "/tests");
  await p.locator("tbody tr").first().waitFor();
  must("rows", await p.locator("tbody tr").count(), 4);
  await go(p, "/tests/team-web/shop");
  await p.getByText("You may not see this").waitFor();
  await p.getByText(/kubectl -n team-web create role .* --serviceaccount=default:payer/).waitFor();
  await go(p, "/tests/team-pay/ledger");
  await p.getByText("You may not start a run here").waitFor();
  must("run now", await p.getByRole("button", { name: "Run now" }).isDisabled(), true);
  await p.context().close();
  expected.length = 0;
});
await attempt("who may see nothing is told what to ask for", async () => {
  const p = await (await context()).newPage();
  await signIn(p, "stranger");
  await p.getByText(/kubectl create clusterrole/).waitFor();
  await p.context().close();
});
await attempt("a token for this API alone reads, and cannot run", async () => {
  const p = await (await context()).newPage();
  await signIn(p, "auditor", "/tests/team-web/shop");
  await p.getByText("You may not start a run here").waitFor();
  await p.context().close();
});
await attempt("a session that has ended asks for a token, and leads back", async () => {
  expected.push("401");
  const p = await (await context()).newPage();
  await signIn(p, "payer", "/tests/team-pay/ledger");
  await p.getByRole("heading", { level: 1, name: "team-pay/ledger" }).waitFor();
  await control("forget");
  await p.waitForTimeout(11_000); // as long as the API believes what it was told
  await go(p, "/tests/team-pay/billing");
  await p.getByText("has ended. Sign in again").waitFor();
  await p.locator("#token").fill(tokens.oncall);
  await p.keyboard.press("Enter");
  await p.getByRole("heading", { level: 1, name: "team-pay/billing" }).waitFor();
  await p.context().close();
  expected.length = 0;
});

// Every page in both themes, wide and narrow: an audit of accessibility, and nothing wider than the window.
const ofBilling = await (async () => {
  await go(page, "/tests/team-pay/billing");
  await page.locator(".strip a").first().waitFor();
  return page.locator(".strip a").evaluateAll((all) => all.map((a) => a.getAttribute("href")).slice(-2));
})();
const [before, after] = ofBilling.map((href) => href.split("/").pop());
const places = {
  overview: "/", tests: "/tests", "a test": "/tests/team-web/media", "a test that runs": "/tests/team-pay/invoices", "a failed report": ofBilling[1], "a comparison": `/compare/team-pay/${before}/${after}`,
  reports: "/reports", "a new test": "/tests/new", "an edit": "/tests/team-web/media/edit", "a test that is not there": "/tests/team-web/nothing",
};
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    const audited = await context({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    const p = await audited.newPage();
    const audit = async (name) => {
      await p.addScriptTag({ path: axe });
      const found = await p.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
      must(`${name}: violations`, found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`)), []);
      must(`${name}: wider than the window`, await p.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    };
    await attempt(`signing in is for everybody, ${colorScheme} ${width}`, async () => {
      await p.goto(base);
      await p.locator("#token").waitFor();
      await audit("sign in");
      await signIn(p, "oncall");
    });
    expected.push("404");
    for (const [name, to] of Object.entries(places)) {
      await attempt(`${name} is for everybody, ${colorScheme} ${width}`, async () => {
        await go(p, to);
        await p.locator("main .panel, main .table, main .trouble").first().waitFor();
        await p.waitForLoadState("networkidle", { timeout: 1000 }).catch(() => {}); // a stream is never idle
        await audit(name);
      });
    }
    await audited.close();
    expected.length = 0;
  }
}
await attempt("no page has thrown an error, asked another host or broken the policy", async () => {
  must("violations", await page.evaluate(() => globalThis.violations), []);
  must("wrongs", wrongs, []);
});
await browser.close();
