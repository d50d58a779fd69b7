// What the scripts share: a browser, sessions of people, and a note of what no page may do.
import { createRequire } from "node:module";
import path from "node:path";

const given = JSON.parse(process.env.DASHBOARD);
const require = createRequire(path.resolve(given.web, "package.json"));
const { chromium } = require("playwright-core");
export const axe = require.resolve("axe-core/axe.min.js");
export const { base, secure, short, tokens } = given;

export const browser = await chromium.launch({
  executablePath: given.browser,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

// wrongs are what no page may do, whatever is tried: errors in the console, requests to other hosts, violations of the policy.
export const wrongs = [];
// expected are answers that a script provokes; the browser notes them in the console by itself.
export const expected = [];

export async function context(options = {}) {
  const c = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Brussels", viewport: { width: 1280, height: 900 }, ...options });
  c.setDefaultTimeout(30_000);
  c.on("page", (page) => {
    page.on("console", (m) => {
      if (m.type() === "error" && !expected.some((e) => m.text().includes(e))) wrongs.push(`console: ${m.text()} (${page.url()})`);
      if (/Content Security Policy|Trusted ?Type/i.test(m.text())) wrongs.push(`policy: ${m.text()}`);
    });
    page.on("pageerror", (e) => wrongs.push(`error: ${e.message} (${page.url()})`));
    page.on("request", (r) => {
      if (!r.url().startsWith(base) && !r.url().startsWith(secure) && !/^(blob|data):/.test(r.url())) wrongs.push(`foreign: ${r.url()}`);
    });
  });
  await c.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => globalThis.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  return c;
}

export async function signIn(page, who, at = "/", origin = base) {
  await page.goto(origin + at);
  await page.locator("#token").fill(tokens[who] ?? who);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("header.top").waitFor();
}

// go moves within the page, as a link does.
export async function go(page, to) {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, to);
}

export async function control(act) {
  const r = await fetch(`${given.control}/${act}`);
  if (!r.ok) throw new Error(`${act}: ${await r.text()}`);
}

// thorough is an attempt that takes long, and that not every change needs.
export const thorough = (name, f) => (short ? undefined : attempt(name, f));

export async function attempt(name, f) {
  const began = performance.now();
  let error = "", note = "";
  try {
    note = (await f()) ?? "";
  } catch (e) {
    error = e.stack ?? String(e);
  }
  console.log(JSON.stringify({ name, error, note: String(note), seconds: (performance.now() - began) / 1000 }));
}

export function must(what, got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
