import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";

const keys: [string, string][] = [
  ["/", "Search tests"],
  ["g o", "Go to the overview"],
  ["g t", "Go to the tests"],
  ["g r", "Go to the reports"],
  ["g c", "Go to the coverage"],
  ["g p", "Go to the policies"],
  ["?", "These keys"],
];

// useKeys listens to keys that are pressed outside of fields.
export function useKeys(help: () => void) {
  const { route } = useLocation();
  useEffect(() => {
    let before = "";
    const down = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest("input, textarea, select, [contenteditable], dialog")) return;
      const pair = `${before} ${e.key}`;
      before = e.key;
      if (pair === "g o") route("/");
      else if (pair === "g t") route("/tests");
      else if (pair === "g r") route("/reports");
      else if (pair === "g c") route("/coverage");
      else if (pair === "g p") route("/policies");
      else if (e.key === "?") help();
      else if (e.key === "/") {
        e.preventDefault();
        const field = document.querySelector<HTMLInputElement>("input[type=search]");
        if (field) field.focus();
        else route("/tests?focus=search");
      }
    };
    addEventListener("keydown", down);
    return () => removeEventListener("keydown", down);
  }, []);
}

export function Help({ close }: { close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keylist">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>{key.split(" ").map((k) => <kbd key={k}>{k}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>
  );
}
