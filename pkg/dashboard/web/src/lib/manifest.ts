import { at, Problem, send } from "./api";
import { toYAML } from "./yaml";

export type Kind = "RestoreTest" | "HealthCheckPolicy";

interface Manifested {
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: unknown;
}

export const places = { RestoreTest: "tests", HealthCheckPolicy: "policies" } as const;

// manifest writes an object as kubectl takes it.
export function manifest(kind: Kind, { metadata: { name, namespace, labels }, spec }: Manifested): string {
  return toYAML({ apiVersion: "restore.kymaros.io/v1alpha1", kind, metadata: { name, namespace, labels }, spec });
}

// subjectOf reads what a manifest is called: the API reads the rest.
export function subjectOf(text: string): { namespace: string; name: string } {
  const block = /^metadata:(.*(?:\n[ \t]+.*)*)/m.exec(text)?.[1] ?? "";
  const value = (key: string) => new RegExp(`(?:^|[\\s{,])${key}:[ \\t]*["']?([^\\s"',}]+)`).exec(block)?.[1] ?? "";
  return { namespace: value("namespace"), name: value("name") };
}

// put makes what the text says, or changes what was read with that version before. It returns where that is shown.
export async function put(kind: Kind, text: string, version: string): Promise<string> {
  const { namespace, name } = subjectOf(text);
  if (!namespace || !name) throw new Problem(400, "Write metadata with a name and a namespace.", { status: 400, field: "manifest" });
  await send("PUT", at`/api/v1/namespaces/${namespace}/` + places[kind] + at`/${name}/manifest`, { manifest: text, resourceVersion: version || undefined });
  return `/${places[kind]}/${namespace}/${name}`;
}
