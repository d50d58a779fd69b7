import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../lib/api";
import { link } from "../lib/live";
import { type State, meanings, sentence, words } from "../lib/result";
import { session } from "../lib/session";
import { ago, local, now, utc } from "../lib/time";
import { Icon, StateIcon } from "./icons";

export function Badge({ state, big }: { state: State; big?: boolean }) {
  return (
    <span class={`badge ${state} ${big ? "big" : ""}`} title={meanings[state]}>
      <StateIcon state={state} size={big ? 22 : 16} />
      {words[state]}
    </span>
  );
}

// When writes how long ago something was; the time in the reader's zone and in UTC are a hover away.
export function When({ at, none = "never" }: { at?: string; none?: string }) {
  if (!at) return <span class="muted">{none}</span>;
  return (
    <time dateTime={at} title={`${local(at)}\n${utc(at)}`}>
      {ago(at, now.value)}
    </time>
  );
}

export function At({ at, format }: { at: string; format: (at: string) => string }) {
  return (
    <time dateTime={at} title={utc(at)}>
      {format(at)}
    </time>
  );
}

export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, set] = useState(false);
  if (!navigator.clipboard) return null; // on plain HTTP
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={done ? "Copied" : `Copy ${label ?? text}`} title="Copy">
      <Icon name={done ? "check" : "copy"} size={16} />
    </button>
  );
}

// Hidden is what a screen reader says and the eye sees from its place: of what a link or a button is.
export const Hidden = ({ children }: { children: ComponentChildren }) => <span class="visually-hidden">{children}</span>;

export function Command({ text, label = "the command" }: { text: string; label?: string }) {
  return (
    <span class="command">
      <code tabIndex={0}>{text}</code>
      <Copy text={text} label={label} />
    </span>
  );
}

export function Panel({ title, aside, children, id, class: more = "" }: { title?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; id?: string; class?: string }) {
  return (
    <section class={`panel ${more}`} id={id}>
      {title && (
        <header>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

// Title is the heading of a page. It takes the focus when the page comes up, so that a screen reader says where one is.
export function Title({ children, document: name }: { children: ComponentChildren; document: string }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name} · Kymaros`;
  }, [name]);
  useEffect(() => ref.current?.focus({ preventScroll: true }), [name]);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}

// Loading says in words what is waited for, and nothing at all for the first moment: a flash helps nobody.
export function Loading({ what }: { what: string }) {
  const [late, set] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => set(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return <p class="loading" role="status">{late ? `Loading ${what} …` : ""}</p>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

// Trouble says what went wrong, and what helps.
// command grants what is missing, where more than the right that the answer names is.
export function Trouble({ problem, retry, command }: { problem: Problem; retry?: () => void; command?: string }) {
  const { status, body } = problem;
  const rule = /rule (\{.*\})/.exec(body.detail ?? "")?.[1];
  return (
    <div class="trouble" role="alert">
      <Icon name="warn" size={22} />
      <div>
        <p class="trouble-title">{status === 403 ? "You may not see this" : status === 404 ? "There is no such thing here" : status === 0 ? "kymaros-api does not answer" : status === 503 ? "The answer is not there yet" : status >= 500 ? "kymaros-api could not answer" : "This did not work"}</p>
        <p>{closed(problem.message)}</p>
        {body.right && (
          <>
            <p>An administrator can grant it:</p>
            <Command text={command ?? grant(body.right)} label="the command that grants it" />
          </>
        )}
        {rule && <p class="muted">{rule}</p>}
        {status === 0 && <p class="muted">It is asked again by itself. If this lasts: kubectl -n kymaros-system get pods</p>}
        {retry && status !== 403 && status !== 404 && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

const closed = (text: string) => (/^\S*:/.test(text) ? text : sentence(text)) + (/[.!?]$/.test(text) ? "" : ".");

// grant is the command that gives a right such as "list restoretests in namespace shop".
function grant(right: string): string {
  const [, verb = "get", resource = "restoretests", ns] = /^(\w+) ([\w.,]+)(?:.*? in namespace (\S+))?/.exec(right) ?? [];
  const who = subject();
  const kind = resource.split(",").map((one) => (one.includes(".") || core.includes(one) ? one : `${one}.restore.kymaros.io`)).join();
  return ns
    ? `kubectl -n ${ns} create role kymaros-reader --verb=get,list,${verb === "get" || verb === "list" ? "watch" : verb} --resource=${kind} && kubectl -n ${ns} create rolebinding kymaros-reader --role=kymaros-reader ${who}`
    : `kubectl create clusterrole kymaros-reader --verb=get,list --resource=${kind} && kubectl create clusterrolebinding kymaros-reader --clusterrole=kymaros-reader ${who}`;
}

const core = ["namespaces", "persistentvolumeclaims", "pods"];

// subject is the caller, as kubectl names them when it binds a role.
export function subject(): string {
  const s = session.value;
  const user = s.state === "in" ? s.me.user : "USER";
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  return account ? `--serviceaccount=${account[1]}:${account[2]}` : `--user=${user}`;
}

// lacking are the rights to read that a caller who sees no namespace is without.
export function lacking() {
  const s = session.value;
  if (s.state !== "in" || s.me.namespaces.length) return [];
  return s.me.rights.filter((r) => !r.allowed && (r.verb === "list" || r.verb === "get"));
}

// Missing says what the caller may not do here, and how they come to it.
export function Missing() {
  const s = session.value;
  const lacks = lacking();
  if (s.state !== "in" || !lacks.length) return null;
  return (
    <section class="note missing">
      <p><strong>{s.me.user} may not see any test.</strong> If there are some, these rights are missing:</p>
      <ul class="plain">{lacks.map((r) => <li key={r.verb + r.resource}>{r.verb} {r.resource}: {r.for}</li>)}</ul>
      <p>An administrator can grant them in all namespaces:</p>
      <Command text={grant("get restoretests,restorereports,healthcheckpolicies")} label="the command that grants them" />
    </section>
  );
}

// Stale marks what was read before the API went away.
export function Stale() {
  const l = link.value;
  return l.state === "away" ? (
    <p class="stale" role="status">
      <Icon name="warn" size={16} /> <span>kymaros-api does not answer since <At at={new Date(l.since).toISOString()} format={(t) => new Date(t).toLocaleTimeString()} />. What you see is from before; it is asked again by itself.</span>
    </p>
  ) : null;
}

export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {items.map(([k, v]) => (
        <div key={k}>
          <dt>{k}</dt>
          <dd>{v}</dd>
        </div>
      ))}
    </dl>
  );
}

// Scroll is a table that may be wider than a phone.
export function Scroll({ label, children }: { label: string; children: JSX.Element }) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

// Plain is a list of texts; long ones fold, but on paper. of says what they are.
export function Plain({ items, of, keep = 6 }: { items: string[]; of: string; keep?: number }) {
  const [open, set] = useState(false);
  return (
    <>
      <ul class="plain">
        {items.map((text, i) => (
          <li key={text} class={i >= keep && !open ? "folded" : ""}>{text}</li>
        ))}
      </ul>
      {items.length > keep && (
        <button type="button" class="link no-print" onClick={() => set(!open)} aria-expanded={open}>
          {open ? "Show fewer" : `Show all ${items.length}`}<Hidden> {of}</Hidden>
        </button>
      )}
    </>
  );
}
