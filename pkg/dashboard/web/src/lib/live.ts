import { signal } from "@preact/signals";
import { all, get, headers, Problem } from "./api";
import { idOf } from "./result";
import { session } from "./session";
import type { ReportItem, TestItem } from "./types";

// Tests that the caller may see, by namespace/name; null before the first answer.
export const tests = signal<Map<string, TestItem> | null>(null);
export const testsProblem = signal<Problem | null>(null);
// touched counts what has changed, and knows the last of it: several changes may come before a page looks.
export const touched = signal<{ n: number; ids: string[] }>({ n: 0, ids: [] });
const remembered = 500;

export type Link = { state: "connecting" | "live" | "polling" } | { state: "away"; since: number; why: string };
export const link = signal<Link>({ state: "connecting" });
// warning of the API that what it tells may be old.
export const warning = signal("");

const pollEvery = 10_000;
// Longer than the API's heartbeat: a stream that says nothing for so long is dead.
const silence = 40_000;

let run = 0;

// start keeps tests up to date until the session ends, by a stream of changes, or by asking again where there is none.
export function start() {
  const mine = ++run;
  const current = () => mine === run;
  void follow(current);
}

export function stop() {
  run++;
  tests.value = null;
  link.value = { state: "connecting" };
}

async function follow(current: () => boolean) {
  let last = "";
  for (let tries = 0; current(); ) {
    try {
      await load();
      tries = 0;
      const ended = await stream(current, last, (id) => (last = id));
      if (!current()) return;
      if (ended === "none") {
        link.value = { state: "polling" };
        await pause(pollEvery);
      } else {
        await pause(1_000); // whatever ends streams at once is not asked at once again
      }
    } catch (error) {
      if (!current() || session.value.state !== "in") return;
      const why = error instanceof Problem ? error : new Problem(0, String(error));
      testsProblem.value = why;
      if (why.status === 401 || why.status === 403) return;
      link.value = { state: "away", since: link.value.state === "away" ? link.value.since : Date.now(), why: why.message };
      last = "";
      await pause(Math.min(1000 * 2 ** tries++, 15_000));
    }
  }
}

export async function load() {
  const answer = await all<TestItem>("/api/v1/tests?limit=1000");
  const before = tests.value;
  const items = new Map(answer.items.map((t) => [idOf(t), t]));
  warning.value = answer.warning;
  testsProblem.value = null;
  if (link.value.state === "away") link.value = { state: "connecting" };
  if (!before || changed(before, items)) tests.value = items;
  for (const [id, t] of items) {
    if (before && JSON.stringify(before.get(id)) !== JSON.stringify(t)) touch(id);
  }
}

function changed(a: Map<string, TestItem>, b: Map<string, TestItem>): boolean {
  if (a.size !== b.size) return true;
  for (const [id, t] of b) if (JSON.stringify(a.get(id)) !== JSON.stringify(t)) return true;
  return false;
}

const touch = (id: string) => (touched.value = { n: touched.value.n + 1, ids: [...touched.value.ids.slice(1 - remembered), id] });

// changedSince tells whether "about" tells of one of the changes after number n. It may be one of those that are not known any more.
export function changedSince(n: number, about: (id: string) => boolean): boolean {
  const { n: now, ids } = touched.value;
  return now - n > ids.length || ids.slice(ids.length - (now - n)).some(about);
}

// stream returns "none" where the API has no stream, and otherwise when it has ended.
async function stream(current: () => boolean, last: string, seen: (id: string) => void): Promise<"none" | "ended"> {
  const control = new AbortController();
  let response: Response;
  try {
    response = await fetch("/api/v1/watch", { headers: headers(last ? { "Last-Event-ID": last } : {}), cache: "no-store", signal: control.signal });
  } catch {
    throw new Problem(0, "kymaros-api does not answer");
  }
  if (response.status === 404 || response.status === 429 || !response.body) return "none";
  if (response.status === 401) await get("/api/v1/me"); // ends the session
  if (!response.ok) throw new Problem(response.status, `the stream of changes was refused (${response.status})`);
  link.value = { state: "live" };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let watchdog = setTimeout(() => control.abort(), silence);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done || !current()) return "ended";
      clearTimeout(watchdog);
      watchdog = setTimeout(() => control.abort(), silence);
      rest += value;
      const events = rest.split("\n\n");
      rest = events.pop()!;
      for (const text of events) {
        const event = parse(text);
        if (event.id) seen(event.id);
        if (event.name === "expired") {
          await get("/api/v1/me");
          return "ended";
        }
        if (event.name === "resync") await load();
        else if (event.name) apply(event.name, event.data);
      }
    }
  } catch {
    throw new Problem(0, "the stream of changes broke off");
  } finally {
    clearTimeout(watchdog);
    control.abort();
  }
}

function parse(text: string): { name: string; id: string; data: string } {
  const event = { name: "", id: "", data: "" };
  for (const line of text.split("\n")) {
    const cut = line.indexOf(": ");
    const [field, value] = [line.slice(0, cut), line.slice(cut + 2)];
    if (field === "event") event.name = value;
    if (field === "id") event.id = value;
    if (field === "data") event.data = value;
  }
  return event;
}

function apply(name: string, data: string) {
  if (name === "test") {
    const t = JSON.parse(data) as TestItem;
    tests.value = new Map(tests.value).set(idOf(t), t);
    touch(idOf(t));
  } else if (name === "report") {
    const r = JSON.parse(data) as ReportItem;
    touch(`${r.metadata.namespace}/${r.spec.testRef}`);
  } else if (name === "gone") {
    const g = JSON.parse(data) as { resource: string; namespace: string; name: string };
    if (g.resource === "restoretests") {
      const rest = new Map(tests.value);
      rest.delete(idOf(g));
      tests.value = rest;
    }
    touch(idOf(g));
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
