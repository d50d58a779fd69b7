// Draws pkg/cli/report.png, which is what a terminal shows, and pkg/dashboard/report.png, a page of the dashboard.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const given = JSON.parse(process.env.PICTURES);
const { chromium } = createRequire(path.resolve("pkg/dashboard/web/package.json"))("playwright-core");
const executablePath = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => (process.env.PATH ?? "").split(":").map((dir) => path.join(dir, name))).find((file) => {
  try { return readFileSync(file).length > 0; } catch { return false; }
});

const colours = { 1: "font-weight:bold", 2: "opacity:.6", 31: "color:#ff7b72", 32: "color:#56d364", 33: "color:#e3b341", 36: "color:#79c0ff" };
// html is text with the colours of a terminal.
const html = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c])
  .replace(/\x1b\[([0-9;]*)m/g, (_, codes) => (codes === "" || codes === "0" ? "</span>" : `<span style="${codes.split(";").map((c) => colours[c] ?? "").join(";")}">`));

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
try {
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 600 }, deviceScaleFactor: 1.25 })).newPage();
  await page.setContent(`<body style="margin:0;background:#0d1117"><pre id="t" style="margin:0;padding:18px 22px;white-space:pre-wrap;color:#e6edf3;font:13px/1.45 'DejaVu Sans Mono',monospace">` +
    `<span style="opacity:.6">$</span> ${html(given.command)}\n${html(readFileSync(given.text, "utf8")).trimEnd()}</pre>`);
  await page.locator("#t").screenshot({ path: "pkg/cli/report.png" });

  const dashboard = await (await browser.newContext({ locale: "en-GB", viewport: { width: 1180, height: 880 }, deviceScaleFactor: 1.5 })).newPage();
  await dashboard.goto(given.address);
  await dashboard.locator("header.top").waitFor();
  await dashboard.goto(new URL(given.page, given.address).href);
  await dashboard.locator("main h1").waitFor();
  await dashboard.waitForTimeout(500); // fonts
  await dashboard.screenshot({ path: "pkg/dashboard/report.png" });
} finally {
  await browser.close();
}
