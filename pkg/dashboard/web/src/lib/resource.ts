import { useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "./api";
import { changedSince, link, touched } from "./live";

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
  const { n } = touched.value;
  const seen = useRef(n);
  const relevant = useRef(0);
  if (about && n > seen.current && changedSince(seen.current, about)) relevant.current = n;
  seen.current = n;
  const asked = useRef({ path: "", at: 0 });
  // An answer that comes after one that was asked for later is old.
  const order = useRef({ asked: 0, shown: 0 });
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
      const mine = ++order.current.asked;
      const old = () => signal.aborted || mine < order.current.shown || (order.current.shown = mine, false);
      get<T>(path, signal).then(
        ({ data }) => !old() && set({ path, data }),
        (error: unknown) => {
          if (old()) return;
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
