import type { Test, TestSpec } from "./types";

// Fields are those of a test that the form knows. Whatever else a test has stays as it is.
export interface Fields {
  name: string;
  namespace: string;
  namespaces: string;
  backupName: string;
  cron: string;
  timezone: string;
  healthCheckRef: string;
  healthCheckTimeout: string;
  maxRTO: string;
  alertOnExceed: boolean;
  sandboxPrefix: string;
  ttl: string;
  networkIsolation: string;
  quotaCpu: string;
  quotaMemory: string;
}

export const fresh: Fields = { name: "", namespace: "", namespaces: "", backupName: "", cron: "0 3 * * *", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone.replace(/^UTC$/, ""), healthCheckRef: "", healthCheckTimeout: "", maxRTO: "", alertOnExceed: false, sandboxPrefix: "", ttl: "", networkIsolation: "strict", quotaCpu: "", quotaMemory: "" };

export function fieldsOf(t: Test): Fields {
  const s = t.spec;
  return {
    name: t.metadata.name, namespace: t.metadata.namespace,
    namespaces: s.backupSource.namespaces.map((n) => n.name).join(", "), backupName: s.backupSource.backupName ?? "",
    cron: s.schedule.cron, timezone: s.schedule.timezone ?? "",
    healthCheckRef: s.healthChecks?.policyRef ?? "", healthCheckTimeout: s.healthChecks?.timeout ?? "",
    maxRTO: s.sla?.maxRTO ?? "", alertOnExceed: s.sla?.alertOnExceed ?? false,
    sandboxPrefix: s.sandbox.namespacePrefix ?? "", ttl: s.sandbox.ttl ?? "", networkIsolation: s.sandbox.networkIsolation ?? "strict",
    quotaCpu: s.sandbox.resourceQuota?.cpu ?? "", quotaMemory: s.sandbox.resourceQuota?.memory ?? "",
  };
}

export const names = (text: string) => text.split(/[\s,]+/).filter(Boolean);

// specOf writes the fields into a spec, and leaves alone whatever else it holds, as the API does.
export function specOf(f: Fields, before?: TestSpec): TestSpec {
  const s: TestSpec = before ? structuredClone(before) : { backupSource: { provider: "velero", namespaces: [] }, schedule: { cron: "" }, sandbox: {} };
  const put = (o: Record<string, unknown>, key: string, value: string | boolean) => {
    if (value) o[key] = value;
    else delete o[key];
  };
  const kept = s.backupSource.namespaces;
  s.backupSource.namespaces = names(f.namespaces).map((name) => kept.find((n) => n.name === name) ?? { name });
  put(s.backupSource, "backupName", f.backupName);
  s.schedule.cron = f.cron;
  put(s.schedule, "timezone", f.timezone);
  put(s.sandbox, "namespacePrefix", f.sandboxPrefix);
  put(s.sandbox, "ttl", f.ttl);
  put(s.sandbox, "networkIsolation", f.networkIsolation);
  const quota = { ...s.sandbox.resourceQuota };
  put(quota, "cpu", f.quotaCpu);
  put(quota, "memory", f.quotaMemory);
  if (Object.keys(quota).length) s.sandbox.resourceQuota = quota;
  else delete s.sandbox.resourceQuota;
  const checks = { ...s.healthChecks };
  put(checks, "policyRef", f.healthCheckRef);
  put(checks, "timeout", f.healthCheckTimeout);
  if (Object.keys(checks).length) s.healthChecks = checks;
  else delete s.healthChecks;
  if (f.maxRTO) s.sla = { ...s.sla, maxRTO: f.maxRTO, ...(f.alertOnExceed || s.sla?.alertOnExceed !== undefined ? { alertOnExceed: f.alertOnExceed } : {}) };
  else delete s.sla;
  return s;
}

// bodyOf is what the API is sent to make a test of the fields, or to change one that was read before.
export function bodyOf(f: Fields, test?: Test) {
  const { name, namespace, namespaces, alertOnExceed, ...rest } = f;
  return {
    ...rest, provider: test?.spec.backupSource.provider ?? "velero", namespaces: names(namespaces), alertOnExceed: alertOnExceed && !!f.maxRTO,
    ...(test ? { resourceVersion: test.metadata.resourceVersion } : { name, namespace }),
  };
}
