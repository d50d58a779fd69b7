import { signal } from "@preact/signals";
import { currentToken, get, onEnd, Problem, send, setToken } from "./api";
import type { Me } from "./types";

// State of the session: looking for one, nobody, somebody, or somebody whose token has ended.
export type Session = { state: "looking" } | { state: "out" } | { state: "in"; me: Me; expires: number } | { state: "ended"; user: string } | { state: "away"; why: string };

export const session = signal<Session>({ state: "looking" });

// Tabs of this origin hand a token that is in memory to one another, so that a link in a new tab asks nobody to sign in again.
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("kymaros-session") : null;
tabs?.addEventListener("message", ({ data }: MessageEvent<{ ask?: true; token?: string; out?: true }>) => {
  if (data.ask && session.value.state === "in" && currentToken()) tabs.postMessage({ token: currentToken() });
  if (data.out && session.value.state === "in") leave();
});

function fromOtherTabs(): Promise<string> {
  if (!tabs) return Promise.resolve("");
  return new Promise((resolve) => {
    const heard = ({ data }: MessageEvent<{ token?: string }>) => data.token && done(data.token);
    const done = (token: string) => {
      tabs.removeEventListener("message", heard);
      resolve(token);
    };
    tabs.addEventListener("message", heard);
    tabs.postMessage({ ask: true });
    setTimeout(() => done(""), 120);
  });
}

onEnd(() => {
  const now = session.value;
  if (now.state === "in") {
    session.value = { state: "ended", user: now.me.user };
    setToken("");
  }
});

// begin finds out whether somebody is signed in already: in another tab, or by a proxy that sends a token.
export async function begin() {
  const token = await fromOtherTabs();
  try {
    // Health is told to everybody, and says more to those who are known: so nobody is refused for having looked.
    setToken(token);
    const { data } = await get<{ version?: string }>("/api/v1/health");
    if (data.version) await enter(token);
    else leave();
  } catch (error) {
    setToken("");
    const away = error instanceof Problem && error.status !== 401 && error.status !== 403;
    session.value = away ? { state: "away", why: error.message } : { state: "out" };
  }
}

async function enter(token: string) {
  setToken(token);
  const { data } = await get<Me>("/api/v1/me");
  if (token && location.protocol === "https:") {
    // The API gives it back as a cookie, and the page forgets it. One that is too long for a cookie stays in memory.
    await send("POST", "/api/v1/session").then(() => setToken(""), () => {});
  }
  session.value = { state: "in", me: data, expires: expiry(token) };
}

// signIn takes a token, or a kubeconfig that holds one.
export async function signIn(text: string) {
  const token = tokenIn(text);
  try {
    await enter(token);
  } catch (error) {
    setToken("");
    throw error;
  }
}

export function signOut() {
  if (location.protocol === "https:") send("DELETE", "/api/v1/session").catch(() => {}); // whoever is away has no session either
  tabs?.postMessage({ out: true });
  leave();
}

function leave() {
  setToken("");
  session.value = { state: "out" };
}

function tokenIn(text: string): string {
  const bare = text.trim().replace(/^Bearer\s+/i, "");
  if (!bare) throw new Problem(400, "Paste a token first.");
  if (!/\s/.test(bare)) return bare;
  const line = /^\s*token:\s*["']?([^\s"']+)["']?\s*$/m.exec(text);
  if (line?.[1]) return line[1];
  if (/^\s*(kind:\s*Config|apiVersion:|clusters:)/m.test(text)) {
    throw new Problem(400, "This kubeconfig holds no token: it signs in with a certificate or a plugin. Make a token with one of the commands below.");
  }
  throw new Problem(400, "A token has no spaces: paste one token, or a whole kubeconfig that holds one.");
}

// expiry is when a token ends, in milliseconds; 0 if it does not say.
function expiry(token: string): number {
  try {
    const claims = JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))) as { exp?: number };
    return (claims.exp ?? 0) * 1000;
  } catch {
    return 0;
  }
}

// may tells whether the caller has a right; undefined: the API does not tell of it.
export function may(verb: string, resource: string): boolean | undefined {
  const s = session.value;
  return s.state === "in" ? s.me.rights.find((r) => r.verb === verb && r.resource === resource)?.allowed : undefined;
}
