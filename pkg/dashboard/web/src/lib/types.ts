// What the API answers. Names are those of pkg/server and pkg/apis.

export type Result = "pass" | "partial" | "fail" | "inconclusive";
export type Phase = "Idle" | "Queued" | "Running" | "Completed" | "Failed";

export interface TestItem {
  name: string;
  namespace: string;
  provider: string;
  schedule: string;
  timezone?: string;
  suspended: boolean;
  phase: Phase | "";
  lastScore: number | null;
  lastResult: Result | "";
  lastRunAt: string;
  nextRunAt: string;
  lastVerifiedAt: string;
  lastReport?: string;
  policy?: string;
  sourceNamespaces: string[];
  rtoTarget?: string;
  // untold is why people were not told what they are to be.
  untold?: string;
}

export type LevelStatus = "pass" | "fail" | "partial" | "not_tested";

export interface Level {
  status: LevelStatus;
  points: number;
  max: number;
  detail?: string;
  tested?: string[];
  notTested?: string[];
}

export const levelNames = {
  restoreIntegrity: "Restore integrity",
  completeness: "Completeness",
  podStartup: "Pod startup",
  internalHealth: "Health checks",
  crossNamespaceDeps: "Other namespaces",
  rtoCompliance: "Recovery time",
} as const;

export type Levels = Record<keyof typeof levelNames, Level>;

export interface RTO {
  measured: string;
  target?: string;
  withinSLA: boolean;
  parts?: { queue?: string; restore?: string; volumeData?: string; pods?: string; checks?: string };
}

export interface ReportItem {
  metadata: { name: string; namespace: string; creationTimestamp: string };
  spec: { testRef: string; runID?: string };
  status: {
    score: number;
    result: Result;
    reason?: string;
    message?: string;
    startedAt: string;
    completedAt: string;
    trigger?: string;
    rto: RTO;
    backup: { name: string; age: string; startedAt?: string; size?: string };
    validationLevels: Levels;
  };
  hygiene?: { status: "clean" | "leaked"; cleanedAt?: string; leaked?: { kind?: string; name?: string; message?: string }[] };
}

export interface Check {
  name: string;
  type?: string;
  status: string;
  duration?: string;
  message?: string;
  namespace?: string;
  attempts?: number;
}

export interface Volume {
  namespace: string;
  claim: string;
  method: string;
  volume?: string;
  sharedWith?: string[];
  bytes?: number;
  duration?: string;
  mountedBy?: string;
  message?: string;
}

export interface SideEffect {
  rule: string;
  kind: string;
  count: number;
  names?: string[];
  reason?: string;
}

export interface Report extends ReportItem {
  status: ReportItem["status"] & {
    caps?: string[];
    restore?: { name?: string; phase?: string; warnings: number; errors: number };
    sandboxes?: { source: string; name: string }[];
    networkIsolation?: string;
    isolationProof?: string;
    fence?: string;
    velero?: { version?: string; note?: string };
    checks?: Check[];
    completeness: Record<string, string | string[] | undefined> & { missing?: string[]; leftOut?: string[] };
    volumes?: Volume[];
    evidence?: Evidence;
    sideEffects?: { withheld?: SideEffect[]; neutralised?: SideEffect[]; violations?: string[]; notTested?: string[] };
  };
}

// Evidence ties a report to the one before.
export interface Evidence {
  sequence: number;
  previous?: string;
  pruned?: { from: number; to: number }[];
  cluster?: { uid?: string; kubernetes?: string };
  kymaros?: string;
  controls?: string[];
  keyID?: string;
  notSigned?: string;
  envelope?: unknown;
}

// Stored is a report as the API server stores it, and what the chain knows it by.
export interface Stored {
  digest: string;
  hygiene?: string;
  record: string;
  report: Record<string, unknown>;
}

export interface Delivery {
  id: string;
  channel: string;
  event: string;
  also?: string[];
  state: "Pending" | "Sent" | "Undeliverable" | "Withdrawn";
  attempts?: number;
  lastError?: string;
  decidedAt: string;
  time: string;
}

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
}

export interface VerifiedBackup {
  backupName: string;
  backupTime?: string;
  time: string;
  report?: string;
}

// A RestoreTest as a whole. What the dashboard does not read stays in it: it is shown as it is.
export interface Test {
  metadata: { name: string; namespace: string; resourceVersion?: string; generation?: number; creationTimestamp?: string; deletionTimestamp?: string; labels?: Record<string, string>; uid?: string };
  spec: TestSpec;
  status?: {
    phase?: Phase;
    run?: { id: string; trigger: string; scheduledTime: string; startTime?: string; deadline?: string; fence?: string };
    nextRunAt?: string;
    missedRuns?: { count: number; last: string };
    search?: { state: "Searching" | "Found" | "NotFound"; runs?: number; message?: string; failed: { backupName: string }; lastGood?: VerifiedBackup };
    lastRunAt?: string;
    lastScore?: number;
    lastResult?: Result;
    lastReportRef?: string;
    lastVerified?: VerifiedBackup;
    lastRun?: { sequence?: number; digest?: string };
    notifications?: { deliveries?: Delivery[] };
    sandbox?: { namespaces?: { source: string; name: string }[]; isolation?: string };
    restore?: { backupName?: string; backupTime?: string; name?: string; phase?: string; progress?: string; startTime?: string; completionTime?: string };
    health?: { pods?: { ready?: number; total?: number }; checks?: Check[] };
    conditions?: Condition[];
  };
}

export interface TestSpec {
  backupSource: { provider: string; backupName?: string; namespaces: { name: string; sandboxName?: string }[]; [more: string]: unknown };
  schedule: { cron: string; timezone?: string; [more: string]: unknown };
  suspend?: boolean;
  sandbox: { namespacePrefix?: string; ttl?: string; networkIsolation?: string; resourceQuota?: { cpu?: string; memory?: string; storage?: string }; [more: string]: unknown };
  healthChecks?: { policyRef?: string; timeout?: string; [more: string]: unknown };
  sla?: { maxRTO: string; alertOnExceed?: boolean };
  notifications?: { onFailure?: unknown[]; onSuccess?: unknown[] };
  [more: string]: unknown;
}

// What differs between two reports, as pkg/compare tells it.
export interface Comparison {
  before: ComparedReport;
  after: ComparedReport;
  incomparable: string[];
  changes: Change[];
}

export interface ComparedReport extends ReportItem {
  rtoParts?: RTO["parts"];
}

export interface Change {
  area: string;
  name?: string;
  kind: "new" | "gone" | "changed" | "slower" | "faster";
  before?: string;
  after?: string;
  effect: "worse" | "better" | "neutral" | "incomparable";
}

export type CoverageState = "Failed" | "Unprotected" | "Unproven" | "Partial" | "Stale" | "Verified" | "Ignored";
export type VolumeState = "NoData" | "LeftOut" | "Unclear" | "TooNew" | "InBackup" | "Proven" | "Nothing";

export interface Proof {
  namespace: string;
  report: string;
  test: string;
  time: string;
  backup: string;
  backupTime?: string;
  score: number;
}

export interface Covered {
  name: string;
  state: CoverageState;
  why?: string;
  schedules?: string[];
  backup?: string;
  backupTime?: string;
  tests?: string[];
  proof?: Proof;
  volumes?: { claim: string; capacity?: string; state: VolumeState; proof?: Proof }[];
  volumesTotal: number;
  volumesProven: number;
}

export interface Coverage {
  items: Covered[];
  continue?: string;
  total: number;
  counts: Record<"failed" | "unprotected" | "unproven" | "partial" | "stale" | "verified" | "ignored" | "volumesTotal" | "volumesProven", number>;
  unseen: { resource: string; right?: string }[];
}

export interface PolicyItem {
  name: string;
  namespace: string;
  checks: string[];
}

export interface PolicyCheck {
  name: string;
  type: string;
  [more: string]: unknown;
}

export interface Policy {
  metadata: { name: string; namespace: string; resourceVersion?: string; labels?: Record<string, string> };
  spec: { checks: PolicyCheck[]; [more: string]: unknown };
}

export interface Me {
  user: string;
  groups: string[];
  readOnly: boolean;
  namespaces: string[];
  rights: { verb: string; resource: string; allowed: boolean; for: string; remedy?: string }[];
}

export interface Page<T> {
  items: T[];
  continue?: string;
  total: number;
}

export interface Day {
  date: string;
  score: number | null;
  tests: number;
  failures: number;
  partial?: number;
  inconclusive?: number;
}

export interface Upcoming {
  name: string;
  namespace: string;
  nextRunAt: string;
  lastScore: number | null;
}

export interface Line {
  items: { position: number; name: string; namespace: string; runID: string; trigger: string; scheduledTime: string }[];
  complete: boolean;
}
