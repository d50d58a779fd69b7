import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";

// SearchBox is a field whose text is part of the address, a moment after the reader stopped typing.
export function SearchBox({ label, by, q, focus, search }: { label: string; by: string; q: string; focus?: boolean; search: (q: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, type] = useState(q);
  const latest = useRef(search); // a filter that was chosen meanwhile is not undone
  latest.current = search;
  useEffect(() => {
    if (document.activeElement !== field.current) type(q);
  }, [q]);
  useEffect(() => {
    if (typed === q) return;
    const timer = setTimeout(() => latest.current(typed), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    if (focus) field.current?.focus();
  }, []);
  return (
    <label class="searchbox">
      <Icon name="search" size={16} />
      <span class="visually-hidden">{label}</span>
      <input type="search" ref={field} placeholder={`Search by ${by}   ( / )`} value={typed} onInput={(e) => type(e.currentTarget.value)} />
    </label>
  );
}
