import { notice } from "../lib/act";
import { Icon } from "./icons";

export function Notice() {
  const n = notice.value;
  return (
    <div class="toast-place no-print" role="status" aria-live="polite">
      {n && (
        <p class={`toast ${n.bad ? "bad" : ""}`}>
          <Icon name={n.bad ? "warn" : "check"} /> <span>{n.text}</span>
          <button type="button" class="quiet" onClick={() => (notice.value = null)} aria-label="Close this message">✕</button>
        </p>
      )}
    </div>
  );
}
