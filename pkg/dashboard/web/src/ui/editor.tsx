import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { say, why } from "../lib/act";
import { Problem } from "../lib/api";
import { type Kind, put, subjectOf } from "../lib/manifest";
import { Copy, Panel, Trouble } from "./bits";

// Editor takes a manifest as a person writes it. Whatever the API server does not know is refused, and nothing is lost without a word.
export function Editor({ kind, text: given, version = "", cancel, children }: { kind: Kind; text: string; version?: string; cancel: string; children?: preact.ComponentChildren }) {
  const [text, write] = useState(given);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const { route } = useLocation();
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const to = await put(kind, text, version);
      say(`${subjectOf(text).name} is ${version ? "changed. It counts from the next run" : "created"}.`);
      route(to);
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof Problem ? new Problem(error.status, why(error), error.body) : new Problem(0, String(error)));
    }
  };
  const wrong = problem?.body.field === "manifest";
  return (
    <form onSubmit={submit}>
      <Panel title={<label for="manifest">Manifest</label>} aside={<Copy text={text} label="the manifest" />}>
        <textarea id="manifest" class="code editor" rows={Math.min(36, Math.max(18, text.split("\n").length + 1))} value={text} onInput={(e) => write(e.currentTarget.value)} autocomplete="off" autocapitalize="off" spellcheck={false} wrap="off" aria-invalid={wrong ? "true" : undefined} aria-describedby={wrong ? "manifest-wrong" : "manifest-note"} />
        {wrong ? <p id="manifest-wrong" class="wrong" role="alert">{problem.message}</p> : <p id="manifest-note" class="muted small">YAML or JSON. A field that there is none of is refused, and annotations that are not named here stay.</p>}
      </Panel>
      {problem && !wrong && <Trouble problem={problem} />}
      <p class="buttons"><button class="primary" disabled={busy}>{busy ? "Saving …" : version ? "Save" : "Create"}</button> <a class="button" href={cancel}>Cancel</a></p>
      {children}
      <p class="muted small">It is done with your own rights: the API server judges you, not the dashboard.</p>
    </form>
  );
}
