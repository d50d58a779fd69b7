import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "./api";
import { link, touched } from "./live";

export interface Resource<T> {
  // path that data is of.
  path?: string;
  data?: T;
  problem?: Problem;
  reload: () => void;
}

// However much changes, an address is read again only so often.
const rest = 2_000;

// useResource reads an address, and reads it again when something has changed that "about" tells of. What was read before stays
// while it does, and when it cannot.
export function useResource<T>(path: string | null, about?: (id: string) => boolean): Resource<T> {
  const [state, set] = useState<{ path?: string; data?: T; problem?: Problem }>({});
  const [again, setAgain] = useState(0);
  const change = touched.value;
  const relevant = useRef(0);
  if (change.id && about?.(change.id)) relevant.current = change.n;
  const asked = useRef({ path: "", at: 0 });
  const away = link.value.state === "away";
  // What is under way is given up only when it is of another address: changes that come fast must not starve it.
  const control = useRef(new AbortController());
  useEffect(() => {
    control.current = new AbortController();
    return () => control.current.abort();
  }, [path]);
  useEffect(() => {
    if (!path) return;
    const { signal } = control.current;
    const ask = () => {
      asked.current = { path, at: Date.now() };
      get<T>(path, signal).then(
        ({ data }) => !signal.aborted && set({ path, data }),
        (error: unknown) => {
          if (signal.aborted) return;
          const problem = error instanceof Problem ? error : new Problem(0, String(error));
          set((before) => (before.path === path && before.data ? { ...before, problem } : { path, problem }));
        },
      );
    };
    const wait = asked.current.path === path ? asked.current.at + rest - Date.now() : 0;
    const timer = wait > 0 ? setTimeout(ask, wait) : void ask();
    return () => clearTimeout(timer ?? undefined);
  }, [path, again, relevant.current, away]);
  const current = state.path === path ? state : {};
  return { ...current, reload: () => ((asked.current.at = 0), setAgain((n) => n + 1)) };
}
