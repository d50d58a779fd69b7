// What a caller writes against the types that a public generator makes of the API's document. It is compiled and never run.
import type { components, paths } from "./api.js";

type Answer<P extends keyof paths> = paths[P] extends { get: { responses: { 200: { content: { "application/json": infer T } } } } } ? T : never;

async function get<P extends keyof paths>(path: P, token: string): Promise<Answer<P>> {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) {
    const problem = (await answer.json()) as components["schemas"]["ProblemError"];
    throw new Error(`${problem.status}: ${problem.detail}`);
  }
  return (await answer.json()) as Answer<P>;
}

export async function failures(token: string): Promise<string[]> {
  const sum = await get("/api/v1/summary", token);
  const reports = await get("/api/v1/reports", token);
  return sum.totalFailures === 0 ? [] : reports.filter((r) => r.status.result === "fail").map((r) => `${r.metadata.namespace}/${r.spec.testRef}`);
}
