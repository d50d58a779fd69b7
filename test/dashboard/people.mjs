// What people do at the dashboard. Each line of output is one thing that was tried.
import { readFile } from "node:fs/promises";
import { audit } from "./audit.mjs";
import { attempt, base, browser, context, control, expected, go, must, secure, short, signIn, thorough, tokens, wrongs } from "./browser.mjs";
import { tryStates } from "./states.mjs";

const c = await context();
const page = await c.newPage();
const heading = (name) => page.getByRole("heading", { level: 1, name }).waitFor();

// rows waits until a table has so many.
const rows = async (n) => {
  for (let i = 0; i < 600 && (await page.locator("tbody tr").count()) !== n; i++) await page.waitForTimeout(50);
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
await attempt("times are told in the reader's zone, with UTC a hover away", async () => {
  const times = await page.locator("main time").evaluateAll((all) => all.map((e) => [e.dateTime, e.title, e.textContent]));
  must("times on a report", times.length > 5, true);
  const utc = (at) => new Date(at).toISOString().slice(0, 19).replace("T", " ") + " UTC";
  must("without UTC", times.filter(([at, title]) => !title.endsWith(utc(at))), []);
  const began = times.find(([, , text]) => / CES?T$/.test(text)); // of Brussels
  const hour = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Brussels", hour: "2-digit", minute: "2-digit" }).format(new Date(began[0]));
  must("in the reader's zone", began[2].includes(hour), true);
});
await attempt("a report says how it can be shown that nobody changed it", async () => {
  const p = await (await context({ permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true })).newPage();
  await signIn(p, "oncall", "/tests/team-web/shop");
  const chain = p.locator(".panel").filter({ has: p.getByRole("heading", { name: "Chain of reports" }) });
  const [, number, digits] = /verify shop -n team-web --head (\d+):([0-9a-f]{12})$/.exec(await chain.locator(".command code").textContent());
  await p.locator('table a[href^="/reports/"]').first().click();
  const panel = p.locator("#evidence");
  await panel.getByText(`#${number} of the reports of team-web/shop`).waitFor();
  await panel.getByText(new RegExp(`^sha256:${digits}`)).waitFor(); // the head is the digest of the newest report
  await panel.getByText(/^by key [0-9a-f]{16}/).waitFor();
  await panel.getByText("#1–#182").waitFor();
  await panel.getByRole("button", { name: "Copy the command that verifies it" }).click();
  must("copied", await p.evaluate(() => navigator.clipboard.readText()), "kubectl kymaros verify shop -n team-web");
  const fetched = async (name) => {
    const [file] = await Promise.all([p.waitForEvent("download"), panel.getByRole("button", { name }).click()]);
    return [file.suggestedFilename(), JSON.parse(await readFile(await file.path(), "utf8"))];
  };
  const [name, stored] = await fetched("Report as it is stored");
  must("file", name, `${number.padStart(6, "0")}-${stored.metadata.name}.report.json`);
  must("number", String(stored.status.evidence.sequence), number);
  const [, envelope] = await fetched("Signature (DSSE)");
  const statement = JSON.parse(Buffer.from(envelope.payload, "base64").toString());
  must("signed", statement.subject[0].digest.sha256.slice(0, 12), digits);
  await p.context().close();
});
await attempt("a report that is not signed says so, and one in no chain too", async () => {
  await go(page, "/tests/team-ops/minio");
  await page.locator(".strip a").last().click();
  await page.locator("#evidence").getByText("Not signed", { exact: true }).waitFor();
  await page.locator("#evidence").getByText("none: it is the first").waitFor({ state: "detached" });
  await page.locator(".strip a").first().click();
  await page.locator("#evidence").getByText("This report is in no chain").waitFor();
});
await attempt("a test says who was told, who could not be, and until when nobody is", async () => {
  const panel = page.locator(".panel").filter({ has: page.getByRole("heading", { name: "Notifications" }) });
  await go(page, "/tests/team-pay/billing");
  await panel.getByText("A message was given up").waitFor();
  await panel.getByText("The receiver answered 403.").waitFor();
  await go(page, "/tests/team-pay/ledger");
  await panel.getByText(/^Muted until \d+ \w+/).waitFor();
  await go(page, "/tests/team-web/media");
  await panel.getByText("kubectl -n team-web create secret generic pager --from-literal=routing-key=VALUE").waitFor();
  await go(page, "/tests/team-ops/wiki");
  await panel.getByText("Nobody was told: it names no channel").waitFor();
  await go(page, "/");
  await page.getByText(/^Messages did not reach people: team-pay\/billing \(given up\), team-web\/media \(a Secret cannot be read\)$/).waitFor();
});
await attempt("on paper nothing of a report is folded away", async () => {
  await go(page, "/tests/team-web/shop");
  await page.locator(".strip a").last().click();
  await page.locator(".levels").waitFor();
  must("on the screen", await page.locator(".folded").first().isVisible(), false);
  await page.emulateMedia({ media: "print" });
  must("folded", await page.locator(".folded").evaluateAll((all) => all.filter((e) => !e.checkVisibility()).length), 0);
  must("buttons", await page.locator("button").evaluateAll((all) => all.filter((e) => e.checkVisibility()).length), 0);
  await page.getByText(/^Printed .* from http/).waitFor();
  await page.emulateMedia({ media: null });
});
await attempt("two reports are compared", async () => {
  await go(page, "/tests/team-pay/billing");
  await page.getByLabel(/^Compare the run of/).nth(0).check();
  await page.getByLabel(/^Compare the run of/).nth(2).check();
  await page.getByRole("button", { name: "Compare the two" }).click();
  await heading("Two runs side by side");
  await page.getByRole("row", { name: /Result worse Verified \(Passed\) Failed \(CheckFailed\)/ }).waitFor();
  await page.getByRole("row", { name: /Check newest-invoice worse pass fail: the output is 812/ }).waitFor();
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
await attempt("of two changes that come at once a page hears of both", async () => {
  const p = await (await context()).newPage();
  await p.addInitScript(() => {
    // What the stream of changes says is held up, and then comes in one piece.
    const ask = globalThis.fetch;
    globalThis.heldUp = undefined;
    globalThis.fetch = async (address, options) => {
      const answer = await ask(address, options);
      if (!String(address).endsWith("/api/v1/watch") || !answer.ok) return answer;
      const dam = new TransformStream({
        transform(piece, out) {
          if (globalThis.heldUp) globalThis.heldUp.push(...piece);
          else out.enqueue(piece);
          globalThis.letGo = () => out.enqueue(new Uint8Array(globalThis.heldUp.splice(0)));
        },
      });
      return new Response(answer.body.pipeThrough(dam), answer);
    };
  });
  await signIn(p, "oncall", "/tests/team-web/shop");
  await p.locator(".linkstate.live").waitFor();
  await p.locator(".strip a").first().waitFor();
  await p.evaluate(() => (globalThis.heldUp = []));
  const hold = async (text) => {
    for (let i = 0; i < 200; i++) {
      if (await p.evaluate((text) => new TextDecoder().decode(new Uint8Array(globalThis.heldUp)).includes(text), text)) return;
      await p.waitForTimeout(50);
    }
    throw new Error(`the stream never tells of ${text}`);
  };
  await control("finish-first");
  // Tests and reports come by two watches, in no order of their own: both are waited for before anything else changes.
  await hold('"lastReport":"shop-first"');
  await hold('"name":"shop-first"');
  await control("elsewhere"); // the last change is of another test
  await hold('"name":"matomo"');
  must("before the page hears of it", await p.locator('.strip a[href$="/shop-first"]').count(), 0);
  await p.evaluate(() => globalThis.letGo());
  await p.locator('.strip a[href$="/shop-first"]').waitFor();
  await p.context().close();
});
await attempt("an answer that comes late does not replace one that was asked for after it", async () => {
  const p = await (await context()).newPage();
  await signIn(p, "oncall");
  await p.locator(".linkstate.live").waitFor();
  const asked = [];
  let letGo;
  const late = new Promise((resolve) => (letGo = resolve));
  await p.route((url) => url.pathname === "/api/v1/namespaces/team-web/reports", async (route) => {
    const first = asked.push(route.request()) === 1;
    const response = await route.fetch();
    if (first) {
      await control("finish-second"); // after it was answered, and before that answer arrives
      await late;
    }
    await route.fulfill({ response });
  });
  await go(p, "/tests/team-web/shop");
  await p.locator('.strip a[href$="/shop-second"]').waitFor();
  const [arrived] = await Promise.all([p.waitForEvent("requestfinished", (r) => r === asked[0]), letGo()]);
  must("the late answer knows of it", (await (await arrived.response()).text()).includes("shop-second"), false);
  await p.waitForTimeout(500); // it is drawn, if it is
  must("after the late answer", await p.locator('.strip a[href$="/shop-second"]').count(), 1);
  await p.context().close();
});
await attempt("a test is suspended, and loses nothing by that", async () => {
  await go(page, "/tests/team-ops/vault");
  await page.getByRole("button", { name: "Suspend", exact: true }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  await control("suspended");
});
await attempt("an edit keeps what the form does not know", async () => {
  await go(page, "/tests/team-web/media/edit");
  await page.getByLabel("Schedule").fill("30 4 * * *");
  await page.getByText("every day at 04:30").waitFor();
  must("preview", /jitter: "20m"[\s\S]*searchLastGood/.test(await page.locator("pre").textContent()), true);
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL("**/tests/team-web/media");
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
await attempt("a test is written by hand, and what the form has no field for survives", async () => {
  expected.push("400");
  await go(page, "/tests/team-ops/gitea/edit");
  await page.getByRole("button", { name: "Write it by hand" }).click();
  const field = page.getByRole("textbox", { name: "Manifest" });
  const text = await field.inputValue();
  await field.fill(text.replace(/jitter: .*/, "jitters: 7m"));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText('unknown field "spec.schedule.jitters"').waitFor();
  await field.fill(text.replace(/jitter: .*/, "jitter: 7m # fewer at a time") + "  onFailure: {searchLastGood: {maxRuns: 4}}\n");
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL("**/tests/team-ops/gitea");
  await heading("team-ops/gitea");
  await control("byhand");
  await page.getByText("maxRuns: 4").waitFor();
  expected.length = 0;
});
await attempt("a change that somebody else made meanwhile is not overwritten", async () => {
  expected.push("409");
  await go(page, "/tests/team-ops/matomo/edit");
  await page.getByRole("button", { name: "Write it by hand" }).click();
  await page.getByRole("textbox", { name: "Manifest" }).waitFor();
  await control("meanwhile");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody changed it meanwhile").waitFor();
  expected.length = 0;
});
await attempt("a test is deleted when that was confirmed, and its reports stay", async () => {
  await go(page, "/tests/team-ops/chat");
  await page.locator(".strip a").first().waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete test chat?" });
  await dialog.getByText(/What stays: its 25 reports, all backups, and the applications themselves, and policy chat/).waitFor();
  must("focus", await page.evaluate(() => document.activeElement.textContent), "Keep it");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete chat" }).click();
  await page.getByText("team-ops/chat is deleted. Its reports stay.").waitFor();
  await heading("Tests");
  await control("deleted");
  await page.locator("input[type=search]").fill("team-ops/chat");
  await page.getByText("No test matches.").waitFor();
});
await attempt("the coverage says what is proven by which report, and what is in no backup", async () => {
  await go(page, "/coverage");
  await heading(/\d+ of \d+ namespaces are proven to restore/);
  const row = (name) => page.locator("tbody tr").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${name}`) }) });
  const state = (name, word) => row(name).locator(".badge").filter({ hasText: word }).waitFor();
  await state("billing", "Failed");
  await row("billing").getByText(/report billing-\d+-\d+: CheckFailed/).waitFor();
  await state("legacy-billing", "No backup");
  await row("blog").getByText("no test restores it").first().waitFor();
  must("left out, among all", await row("ci-runners").count(), 0);
  await page.getByRole("button", { name: /^Left out/ }).click();
  await row("ci-runners").getByText("made anew from Git").waitFor();
  await page.getByRole("button", { name: /^All/ }).click();
  await state("keycloak", "Verified");
  await row("keycloak").getByRole("button", { name: "2 of 2 proven" }).click();
  await page.locator(".volumes").getByText("data-keycloak-0", { exact: true }).waitFor();
  await page.getByRole("button", { name: /^No backup/ }).click();
  must("address", new URL(page.url()).search, "?state=Unprotected");
  must("verified ones", await row("keycloak").count(), 0);
  await page.getByRole("button", { name: /^All/ }).click();
  await page.keyboard.press("/");
  await page.keyboard.type("data-keycloak");
  await rows(1);
  await row("keycloak").getByRole("link").first().click();
  await heading(/Verified.*keycloak/);
});
await attempt("a policy is written, refused, made, changed and deleted", async () => {
  expected.push("400", "422");
  await go(page, "/policies");
  await heading("Health check policies");
  await page.getByRole("row", { name: /team-web\/shop .*newest-invoice, api, pods 1 test/ }).waitFor();
  await page.getByRole("link", { name: "New policy" }).click();
  const field = page.getByRole("textbox", { name: "Manifest" });
  const text = (await field.inputValue()).replace("my-checks", "wiki-pages").replace(/namespace: .*/, "namespace: team-ops");
  await field.fill(text.replace("port: 5432", "port: 99999"));
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText(/spec\.checks\[0\]\.tcpSocket\.port/).waitFor();
  await field.fill(text);
  await page.getByRole("button", { name: "Create" }).click();
  await heading("team-ops/wiki-pages");
  await page.getByText("db:5432 takes connections").waitFor();
  await page.getByRole("link", { name: "Edit" }).click();
  await field.fill((await field.inputValue()).replace("5432", "3306"));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("db:3306 takes connections").waitFor();
  await control("policy");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("No test that you may see names it.").waitFor();
  await page.getByRole("button", { name: "Delete wiki-pages" }).click();
  await heading("Health check policies");
  await page.getByText("team-ops/wiki-pages is deleted.").waitFor();
  expected.length = 0;
});
await attempt("who deletes a policy is told whose runs that stops", async () => {
  await go(page, "/policies/team-web/shop");
  await page.getByText("at least 2 of the pods with app=shop are ready").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByText("Test shop names it").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});
await attempt("the keyboard alone leads to a volume of the coverage", async () => {
  await page.keyboard.type("gc");
  await heading(/namespaces are proven to restore/);
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.closest("tr")?.textContent.startsWith("keycloak") && document.activeElement.tagName === "BUTTON")) break;
  }
  await page.keyboard.press("Enter");
  await page.getByText("data-keycloak-1", { exact: true }).waitFor();
  await page.keyboard.type("gp");
  await heading("Health check policies");
});
await attempt("an address that is none says so", async () => {
  await go(page, "/settings");
  await heading("There is nothing at this address");
});
await attempt("kymaros-api goes away and comes back, and nothing on the page is lost", async () => {
  expected.push("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY_RESPONSE", "503");
  await go(page, "/tests");
  await page.locator("tbody tr").first().waitFor();
  await go(page, "/coverage");
  await page.locator("table.coverage tbody tr").first().waitFor();
  await control("stop");
  await page.getByText("kymaros-api does not answer since").waitFor();
  must("rows of the coverage", (await page.locator("table.coverage tbody tr").count()) > 20, true);
  await go(page, "/tests");
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
await attempt("who may not see the cluster is told what the coverage takes", async () => {
  expected.push("403");
  const p = await (await context()).newPage();
  await signIn(p, "payer", "/coverage");
  await p.getByText("You may not see this").waitFor();
  await p.getByText(/kubectl create clusterrole kymaros-coverage .*namespaces,.*--serviceaccount=default:payer/).waitFor();
  await go(p, "/policies/team-pay/billing");
  await p.getByText("at least 2 of the pods").waitFor();
  await p.waitForLoadState("networkidle", { timeout: 1000 }).catch(() => {});
  must("delete", await p.getByRole("button", { name: "Delete" }).isDisabled(), true);
  await p.context().close();
  expected.length = 0;
});
await attempt("who sees only a part of it is told which, and sees nothing proven that was not looked at", async () => {
  const p = await (await context()).newPage();
  await signIn(p, "surveyor", "/coverage");
  await p.getByText("Not all of it could be looked at.").waitFor();
  await p.getByText("you may not list persistentvolumeclaims in all namespaces: volumes are not told of").waitFor();
  await p.getByRole("heading", { level: 1, name: /^0 of/ }).waitFor();
  await p.context().close();
});
await attempt("a token for this API alone sees no coverage, and is told why", async () => {
  expected.push("403");
  const p = await (await context()).newPage();
  await signIn(p, "auditor", "/coverage");
  await p.getByText("This token is good for reading here only").waitFor();
  await p.context().close();
  expected.length = 0;
});
await thorough("a slow network shows words, and then the page", async () => {
  const p = await (await context()).newPage();
  await signIn(p, "oncall");
  const client = await p.context().newCDPSession(p);
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 1500, downloadThroughput: 50_000, uploadThroughput: 20_000 });
  for (const [to, words] of [["/coverage", "Loading namespaces, volumes and backups …"], ["/policies", "Loading policies …"], ["/tests/team-web/search", "Loading test search …"], ["/reports", "Loading reports …"]]) {
    await go(p, to);
    await p.getByText(words).waitFor();
    await p.locator("main .table").first().waitFor();
  }
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
  return page.locator(".strip a").evaluateAll((all) => all.map((a) => a.getAttribute("href")).slice(-3));
})();
const [before, , after] = ofBilling.map((href) => href.split("/").pop());
const places = {
  overview: "/", tests: "/tests", "a test": "/tests/team-web/media", "a test that runs": "/tests/team-pay/invoices", "a failed report": ofBilling[2], "a comparison": `/compare/team-pay/${before}/${after}`,
  reports: "/reports", "the coverage": "/coverage", policies: "/policies", "a policy": "/policies/team-web/shop", "a new policy": "/policies/new", "a new test": "/tests/new", "an edit": "/tests/team-web/media/edit", "a test that is not there": "/tests/team-web/nothing",
};
// What has to be opened first.
const opened = {
  "volumes of the coverage": ["/coverage", (p) => p.getByRole("button", { name: "2 of 2 proven" }).click()],
  "a deletion": ["/tests/team-web/media", (p) => p.getByRole("button", { name: "Delete" }).click()],
  "a manifest written by hand": ["/tests/team-web/media/edit", (p) => p.getByRole("button", { name: "Write it by hand" }).click()],
};

for (const colorScheme of ["light", "dark"]) {
  for (const width of short ? [colorScheme === "light" ? 1280 : 390] : [1280, 390]) {
    const audited = await context({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    const p = await audited.newPage();
    const look = { colorScheme, width };
    await attempt(`signing in is for everybody, ${colorScheme} ${width}`, async () => {
      await p.goto(base);
      await p.locator("#token").waitFor();
      await audit(p, "sign in", look);
      await signIn(p, "oncall");
    });
    expected.push("404");
    for (const [name, to] of Object.entries(places)) {
      await attempt(`${name} is for everybody, ${colorScheme} ${width}`, async () => {
        await go(p, to);
        await p.locator("main .panel, main .table, main .trouble").first().waitFor();
        await p.waitForLoadState("networkidle", { timeout: 1000 }).catch(() => {}); // a stream is never idle
        await audit(p, name, look);
      });
    }
    for (const [name, [to, open]] of Object.entries(opened)) {
      await attempt(`${name} is for everybody, ${colorScheme} ${width}`, async () => {
        await go(p, to);
        await open(p);
        await p.waitForLoadState("networkidle", { timeout: 500 }).catch(() => {});
        await audit(p, name, look);
      });
    }
    await audited.close();
    expected.length = 0;
    if (!short && width === 390) await tryStates(look);
  }
}

// A window of 1280 pixels at 200 % is 640 wide: it shows all that it showed before, and scrolls in one direction only.
if (!short) {
  const wide = await (await context()).newPage();
  await signIn(wide, "oncall");
  const large = await (await context({ viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 })).newPage();
  await signIn(large, "oncall");
  const texts = (p) => p.evaluate(() => [...document.querySelectorAll("h1, h2, h3, a, button, label, td, tbody th, dt, dd, main p, main li")].filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => e.textContent.replace(/\d+ (min|s) ago|just now|in \d+ min|in under 1 min/g, "").trim()).filter(Boolean));
  expected.push("404");
  for (const [name, to] of Object.entries(places)) {
    await attempt(`at 200 % nothing of ${name} is lost`, async () => {
      for (const p of [wide, large]) {
        await go(p, to);
        await p.locator("main .panel, main .table, main .trouble").first().waitFor();
        await p.waitForLoadState("networkidle", { timeout: 700 }).catch(() => {});
      }
      const [before, after] = [await texts(wide), new Set(await texts(large))];
      must("lost", before.filter((text) => !after.has(text)), []);
      must("wider than the window", await large.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    });
  }
  await wide.context().close();
  await large.context().close();
  expected.length = 0;
}
await attempt("no page has thrown an error, asked another host or broken the policy", async () => {
  must("violations", await page.evaluate(() => globalThis.violations), []);
  must("wrongs", wrongs, []);
});
await browser.close();
