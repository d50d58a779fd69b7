// Requests to the API. Over TLS the session is a cookie of the API, which no script can read; otherwise the token is kept here, in
// memory: nothing that outlives the page holds it.

export interface ProblemBody {
  status: number;
  title?: string;
  detail?: string;
  error?: string;
  field?: string;
  right?: string;
  namespaces?: string[];
}

// Problem is an answer that is an error; status 0: there was no answer.
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly body: ProblemBody = { status },
  ) {
    super(detail);
  }
}

export interface Answer<T> {
  data: T;
  // next is the address of the next page.
  next: string;
  // warning says that the answer may be older than it looks.
  warning: string;
}

let token = "";
let ended = () => {};

export const currentToken = () => token;
export function setToken(text: string) {
  token = text;
  known.clear();
}
// onEnd is called when the API no longer takes the token.
export function onEnd(f: () => void) {
  ended = f;
}

// known are the last answers by address, with their ETags.
const known = new Map<string, { tag: string; answer: Answer<unknown> }>();
const maxKnown = 200;

export function headers(more: Record<string, string> = {}): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

export async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer<T>> {
  const before = method === "GET" ? known.get(path) : undefined;
  const more: Record<string, string> = {};
  if (before) more["If-None-Match"] = before.tag;
  if (method !== "GET") more["X-Kymaros-Request"] = "1"; // which no page of another origin can send
  if (body !== undefined) more["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, { method, headers: headers(more), body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "same-origin", signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "kymaros-api does not answer");
  }
  if (response.status === 304 && before) return before.answer as Answer<T>;
  if (!response.ok) throw await problemOf(response);
  const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  const answer: Answer<T> = {
    data: (response.status === 204 ? undefined : await response.json()) as T,
    next: link?.[1] ?? "",
    warning: response.headers.get("Warning") ?? "",
  };
  const tag = response.headers.get("ETag");
  if (method === "GET" && tag) {
    if (known.size >= maxKnown) known.delete(known.keys().next().value!);
    known.set(path, { tag, answer });
  }
  return answer;
}

async function problemOf(response: Response): Promise<Problem> {
  let body: ProblemBody = { status: response.status };
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // a proxy answered, and not in JSON
  }
  if (response.status === 401) ended();
  return new Problem(response.status, body.detail ?? body.error ?? `the answer was ${response.status} ${response.statusText}`, body);
}

export const get = <T>(path: string, signal?: AbortSignal) => send<T>("GET", path, undefined, signal);

// all follows the pages of a list to its end.
export async function all<T>(path: string, signal?: AbortSignal): Promise<{ items: T[]; warning: string }> {
  const items: T[] = [];
  let warning = "";
  for (let next = path; next; ) {
    const page: Answer<T[]> = await get<T[]>(next, signal);
    items.push(...page.data);
    warning ||= page.warning;
    next = page.next;
  }
  return { items, warning };
}

// at writes an address: at`/api/v1/namespaces/${ns}/tests` escapes what is put in.
export function at(texts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: texts }, ...values.map(encodeURIComponent));
}
