// What every page must be in every theme, at every width and in every state, for whoever reads it.
import { axe, must } from "./browser.mjs";
import { misnamed } from "./names.mjs";

// audit fails for what the rules of accessibility find on a page, for what a screen reader could not tell apart, and for what is wider
// than the window. Of a page that bypassCSP lets scripts be put in, it leaves a picture in the directory PICTURES, if that is set.
export async function audit(page, name, { colorScheme, width }) {
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name} ${colorScheme} ${width}.png`, fullPage: true });
  await page.addScriptTag({ path: axe });
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  must(`${name}: violations`, found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`)), []);
  must(`${name}: what a screen reader says`, await misnamed(page), []);
  must(`${name}: wider than the window`, await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
}
