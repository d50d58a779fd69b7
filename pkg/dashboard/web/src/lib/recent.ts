import { useMemo } from "preact/hooks";
import { useResource } from "./resource";
import type { Result } from "./types";

export interface Recent {
  namespace: string;
  name: string;
  // results of the last runs, the oldest first.
  results: Result[];
  // dayAgo is the result that counted 24 hours ago; empty if there was none.
  dayAgo: Result | "";
  report: string;
}

// useRecent tells of the last runs of every test, by namespace/name.
export function useRecent() {
  const found = useResource<Recent[]>("/api/v1/recent", () => true);
  const by = useMemo(() => new Map((found.data ?? []).map((r) => [`${r.namespace}/${r.name}`, r])), [found.data]);
  return { by, ready: !!found.data || !!found.problem };
}
