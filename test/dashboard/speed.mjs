// How long pages take, for as many tests as there are. Each line of output is one figure, and what is wrong with it.
import { attempt, base, browser, context, go, must, signIn, tokens, wrongs } from "./browser.mjs";

const runs = 5;
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const ms = (n) => `${Math.round(n)} ms`;

let page;
await attempt("assets of the first load, packed", async () => {
  page = await (await context()).newPage();
  let bytes = 0;
  page.on("response", async (r) => {
    if (!new URL(r.url()).pathname.startsWith("/api/")) bytes += Number(r.headers()["content-length"] ?? 0);
  });
  await page.goto(base);
  await page.locator("#token").waitFor();
  must("too much", bytes > 80 * 1024, false);
  return `${(bytes / 1024).toFixed(1)} KiB`;
});

// From the click to all that the first look needs; each time in a new browser context, with nothing cached.
const firsts = [];
let sent = 0;
for (let i = 0; i < runs; i++) {
  const c = await context();
  const p = await c.newPage();
  await p.goto(base);
  await p.locator("#token").fill(tokens.oncall);
  const client = await c.newCDPSession(p);
  await client.send("Network.enable");
  client.on("Network.loadingFinished", (e) => (sent += e.encodedDataLength));
  await p.evaluate(() => {
    document.querySelector("form").addEventListener("submit", () => {
      const began = performance.now();
      const look = () => (document.querySelector(".hero h1") && document.querySelectorAll(".needs li").length && document.querySelectorAll(".glance .mark").length > 100 ? requestAnimationFrame(() => (globalThis.took = performance.now() - began)) : requestAnimationFrame(look));
      look();
    });
  });
  await p.getByRole("button", { name: "Sign in" }).click();
  await p.locator(".needs li").first().waitFor();
  for (let took; took === undefined; await p.waitForTimeout(20)) if ((took = await p.evaluate(() => globalThis.took))) firsts.push(took);
  await c.close();
}
await attempt("overview, from signing in", async () => {
  must(`too slow: ${ms(median(firsts))}`, median(firsts) > 1000, false);
  return `${ms(median(firsts))} (of ${firsts.map(ms).join(", ")}), ${Math.round(sent / runs / 1024)} KiB sent`;
});

await attempt("tests page, from the overview", async () => {
  await signIn(page, "oncall");
  await page.locator(".needs li").first().waitFor();
  const all = [];
  for (let i = 0; i < runs; i++) {
    await go(page, "/");
    await page.locator(".hero").waitFor();
    all.push(
      await page.evaluate(async () => {
        const began = performance.now();
        document.querySelector('.top nav a[href="/tests"]').click();
        while (document.querySelectorAll("tbody tr").length < 50) await new Promise(requestAnimationFrame);
        return performance.now() - began;
      }),
    );
  }
  must("rows of a page", await page.locator("tbody tr").count(), 50);
  return `${ms(median(all))} (of ${all.map(ms).join(", ")})`;
});

await attempt("interaction to next paint on the tests page", async () => {
  await page.evaluate(() => {
    globalThis.interactions = [];
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) if (e.interactionId) globalThis.interactions.push([e.name, e.duration]);
    }).observe({ type: "event", durationThreshold: 16, buffered: false });
  });
  await page.locator("input[type=search]").click();
  await page.keyboard.type("app-12", { delay: 60 });
  await page.locator("input[type=search]").fill("");
  // Nobody clicks twice within a third of a second: the first would be counted with the second.
  const click = async (button) => {
    await button.click();
    await page.waitForTimeout(300);
  };
  await page.waitForTimeout(300);
  for (const name of ["Failed", "Partial", "Verified", "All"]) await click(page.locator(".chips").getByRole("button", { name: new RegExp(`^${name}`) }));
  for (let i = 0; i < 3; i++) await click(page.getByRole("button", { name: "Next", exact: true }));
  await page.waitForTimeout(300);
  return judged();
});

// judged says how long the slowest interaction took, and forgets all.
async function judged() {
  const all = await page.evaluate(() => globalThis.interactions.splice(0));
  const worst = Math.max(16, ...all.map(([, d]) => d));
  must(`too slow: ${ms(worst)}`, worst > 100 ? all.filter(([, d]) => d > 100) : [], []);
  return `${ms(worst)} at worst, of ${all.length} that took 16 ms or more`;
}

await attempt("the same without a pause between clicks and keys", async () => {
  const press = (name) => page.locator(".chips").getByRole("button", { name: new RegExp(`^${name}`) });
  const places = {};
  for (const name of ["Failed", "Partial", "Verified", "All"]) {
    const box = await press(name).boundingBox();
    places[name] = [box.x + box.width / 2, box.y + box.height / 2];
  }
  for (let i = 0; i < 5; i++) for (const name of ["Failed", "Partial", "Verified", "All"]) await page.mouse.click(...places[name]); // as fast as the browser takes them
  await page.locator("input[type=search]").click();
  for (const key of "app-123456") await page.keyboard.press(key);
  for (let i = 0; i < 10; i++) await page.keyboard.press("Backspace");
  await page.waitForTimeout(500);
  must("rows", await page.locator("tbody tr").count(), 50);
  return judged();
});

await attempt("nothing was wrong", async () => must("wrongs", wrongs, []));
await browser.close();
