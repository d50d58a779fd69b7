import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

// Confirm asks before something is done that cannot be undone. It says what goes, and what stays.
export function Confirm({ title, action, act, close, children }: { title: string; action: string; act: () => Promise<unknown>; close: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => ref.current?.showModal(), []);
  const go = async () => {
    setBusy(true);
    await act();
    ref.current?.close();
  };
  return (
    <dialog ref={ref} onClose={close} aria-labelledby="confirm-title" class="confirm">
      <h2 id="confirm-title">{title}</h2>
      {children}
      <p class="buttons">
        <button type="button" class="danger" disabled={busy} onClick={() => void go()}>{busy ? "Deleting …" : action}</button>
        <button type="button" autoFocus onClick={() => ref.current?.close()}>Keep it</button>
      </p>
    </dialog>
  );
}
