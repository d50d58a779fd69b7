import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "./api";
import { link, touched } from "./live";

export interface Resource<T> {
  // path that data is of.
  path?: string;
  data?: T;
  problem?: Problem;
  reload: () => void;
}

// useResource reads an address, and reads it again when something has changed that "about" tells of. What was read before stays
// while it does, and when it cannot.
export function useResource<T>(path: string | null, about?: (id: string) => boolean): Resource<T> {
  const [state, set] = useState<{ path?: string; data?: T; problem?: Problem }>({});
  const [again, setAgain] = useState(0);
  const change = touched.value;
  const relevant = about && change.id && about(change.id) ? change.n : 0;
  const away = link.value.state === "away";
  useEffect(() => {
    if (!path) return;
    const control = new AbortController();
    get<T>(path, control.signal).then(
      ({ data }) => set({ path, data }),
      (error: unknown) => {
        if (control.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        set((before) => (before.path === path && before.data ? { ...before, problem } : { path, problem }));
      },
    );
    return () => control.abort();
  }, [path, again, relevant, away]);
  const current = state.path === path ? state : {};
  return { ...current, reload: () => setAgain((n) => n + 1) };
}
