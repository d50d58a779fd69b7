import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../lib/api";
import { begin, session, signIn } from "../lib/session";
import { Command } from "../ui/bits";
import { Icon } from "../ui/icons";

export function SignIn() {
  const s = session.value;
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    document.title = "Sign in · Kymaros";
    field.current?.focus();
  }, []);
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await signIn(text);
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof Problem ? says(error) : String(error));
      field.current?.focus();
    }
  };
  return (
    <main class="signin">
      <div class="card">
        <p class="brand"><img src="/static/icon.svg" width="36" height="36" alt="" /> <span>Kymaros</span></p>
        <h1>Sign in</h1>
        <p class="muted">Can your backups be restored? Sign in with a token of this cluster to see. You see what its rights let you see.</p>
        {s.state === "ended" && <p class="stale" role="alert"><Icon name="warn" size={16} /> The token of {s.user} has ended. Sign in again: you come back to the same page.</p>}
        {s.state === "away" && <p class="stale" role="alert"><Icon name="warn" size={16} /> <span>{s.why}. <button type="button" class="link" onClick={() => void begin()}>Try again</button></span></p>}
        <form onSubmit={submit}>
          <label for="token">Token, or a kubeconfig that holds one</label>
          <textarea id="token" ref={field} class="secret" rows={3} value={text} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && !text.includes("\n") && submit(e)} autocomplete="off" autocapitalize="off" spellcheck={false} aria-invalid={problem ? "true" : undefined} aria-describedby={problem ? "token-problem" : "token-note"} />
          {problem && <p id="token-problem" class="wrong" role="alert">{problem}</p>}
          <button class="primary" disabled={busy}>{busy ? "Asking the cluster …" : "Sign in"}</button>
          <p id="token-note" class="muted small">It is gone when you close the browser, and no script can store it.</p>
        </form>
        <details open>
          <summary>Where do I get a token?</summary>
          <p>To look around, good for reading here only and for nothing else in the cluster:</p>
          <Command text="kubectl -n NAMESPACE create token NAME --audience kymaros-api --duration 8h" label="the command for a token to look around" />
          <p>To run and edit tests with the rights of a ServiceAccount:</p>
          <Command text="kubectl -n NAMESPACE create token NAME --duration 1h" label="the command for a token with rights" />
        </details>
      </div>
    </main>
  );
}

function says(p: Problem): string {
  if (p.status === 401) return "The cluster does not take this token: it has ended, or is of another cluster. Make a new one with a command below.";
  if (p.status === 0) return "kymaros-api does not answer. Try again in a moment.";
  return p.message;
}
