package outcome

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var pending = Outcome{Class: Pending}

// outcomes of all reasons, in the order of package v1alpha1.
var outcomes = map[string]Outcome{
	v1alpha1.ReasonWaiting:          pending,
	v1alpha1.ReasonDeadlineExceeded: {Backup, "See status.rto.parts for where the time goes. If the application only needs longer, raise spec.timeout and sandbox.ttl."},
	v1alpha1.ReasonNotStarted:       {Inconclusive, "Raise spec.timeout and sandbox.ttl, or have fewer tests due at the same time."},
	v1alpha1.ReasonUnattended:       {Inconclusive, "See why pods of kymaros-controller or kymaros-prober did not run, and run the test again."},

	// Scheduled. No run begins, so there is no report.
	v1alpha1.ReasonNextRunPlanned:  pending,
	v1alpha1.ReasonRunStarted:      pending,
	v1alpha1.ReasonInvalidSchedule: {Inconclusive, "Correct spec.schedule."},
	v1alpha1.ReasonInvalidSpec:     {Inconclusive, "Correct the field that the message names."},
	v1alpha1.ReasonFenceNotIntact:  {Inconclusive, "Apply manifests/fence again, and find out who changes it."},
	v1alpha1.ReasonMissedTurn:      {Inconclusive, "See that the controller and Velero run, give the line more room (--max-restores) or fewer tests at once (schedule.jitter), or raise schedule.startingDeadlineSeconds; the annotation kymaros.io/run-requested asks for a run now."},
	v1alpha1.ReasonSuspended:       {Inconclusive, "Set spec.suspend to false."},

	// SandboxReady.
	v1alpha1.ReasonCreating:              pending,
	v1alpha1.ReasonWaitingForQuota:       pending,
	v1alpha1.ReasonWaitingForAttestation: pending,
	v1alpha1.ReasonIsolationUnproven:     {Inconclusive, "Look at the pods in namespaces kymaros-canary and kymaros-canary-targets; if there are none, apply manifests/45-canary.yaml."},
	v1alpha1.ReasonIsolationNotEnforced:  {Inconclusive, "Have the network plugin enforce NetworkPolicies on every node; nothing is restored until it does."},
	v1alpha1.ReasonGuarded:               pending,
	v1alpha1.ReasonSpecChanged:           {Inconclusive, "Run the test again, as it is now."},
	v1alpha1.ReasonNameTaken:             {Inconclusive, "Choose another sandboxName, or delete the namespace if it is not needed."},
	v1alpha1.ReasonRejected:              {Inconclusive, "See the event: an admission policy or a quota of the cluster refuses the sandbox."},

	// Restored.
	v1alpha1.ReasonQueued:                    pending,
	v1alpha1.ReasonInProgress:                pending,
	v1alpha1.ReasonCompleted:                 pending,
	v1alpha1.ReasonBackupNotFound:            {Backup, "See `velero backup get`: a completed backup must contain every source namespace."},
	v1alpha1.ReasonNoOlderBackup:             {Inconclusive, "See status.search of the test: no older backup holds as much as those that were tried."},
	v1alpha1.ReasonBackupLocationUnavailable: {Inconclusive, "See `velero backup-location get`, and run the test again when the location is Available."},
	v1alpha1.ReasonFailedValidation:          {Inconclusive, "Correct what Velero complains about, and run the test again."},
	v1alpha1.ReasonPartiallyFailed:           {Backup, "See Velero's log for the items that did not come back: kubectl logs deployment/velero, in Velero's namespace."},
	v1alpha1.ReasonFailed:                    {Backup, "See Velero's log for the cause: kubectl logs deployment/velero, in Velero's namespace."},
	v1alpha1.ReasonCannotStart:               {Backup, "See to what the message names: a real restore would wait for it as well."},
	v1alpha1.ReasonCannotStartInSandbox:      {Sandbox, "It says nothing about the backup. See to what the message names, or leave those pods out of the test."},
	v1alpha1.ReasonClusterLacks:              {Inconclusive, "Map what the message names to what this cluster has (spec.restore.mappings), or give the cluster what is missing, such as Velero's node agent (velero install --use-node-agent); a real restore here needs the same."},
	v1alpha1.ReasonYielded:                   {Inconclusive, "Nothing needs doing: the test is tried again once Velero is done with the Restore that it made way for."},
	v1alpha1.ReasonVeleroStalled:             {Inconclusive, "See the log of what ended, in Velero's namespace: kubectl logs deployment/velero --previous, or that of the node agent on the node of the pod. A test on which the server ended once is tried again once; do not run it a third time before the cause is found."},
	v1alpha1.ReasonSandboxLost:               {Inconclusive, "Find out who changes or deletes sandboxes, and run the test again."},
	v1alpha1.ReasonLost:                      {Inconclusive, "Do not delete the Velero Restore of a run that is under way; run the test again."},
	v1alpha1.ReasonVeleroUnsupported:         {Inconclusive, "Update Velero; or, if the tag of its image is not its version, say that with the controller's flag --velero-version."},
	v1alpha1.ReasonNotPermitted:              {Inconclusive, "Ask the administrator of Kymaros, or leave the resource out of spec.restore.includedResources."},
	v1alpha1.ReasonProductionVolume:          {Inconclusive, "Look at that volume and at what else uses its storage before anything else; leave its claim out of the test, or take CSI snapshots or file-system backup."},

	// HealthChecked.
	v1alpha1.ReasonWaitingForPods:         pending,
	v1alpha1.ReasonRunning:                pending,
	v1alpha1.ReasonObserving:              pending,
	v1alpha1.ReasonUnstable:               {Backup, "See the logs of the containers that the message names, and whether all that they need is in the backup; with networkIsolation strict they reach nothing, which group changes."},
	v1alpha1.ReasonCheckUnknown:           {Inconclusive, "The node or the API server did not answer, or cut the check off: run the test again."},
	v1alpha1.ReasonPolicyChanged:          {Inconclusive, "Run the test again, and do not edit its policy meanwhile."},
	v1alpha1.ReasonPassed:                 {Class: Passed},
	v1alpha1.ReasonNotChecked:             {Sandbox, "Name a HealthCheckPolicy in spec.healthChecks.policyRef."},
	v1alpha1.ReasonCheckFailed:            {Backup, "See status.checks: the backup does not restore into a working application, or the check expects something else."},
	v1alpha1.ReasonBlockedBySandboxPolicy: {Sandbox, "It says nothing about the backup. validationLevels.podStartup.notTested names all that was blocked."},
	v1alpha1.ReasonPolicyNotFound:         {Inconclusive, "Create the policy in the namespace of the test, or correct spec.healthChecks.policyRef."},

	// Reports.
	v1alpha1.ReasonGuardsViolated:         {Sandbox, "Find out who changes NetworkPolicies, quotas or labels in sandboxes, and run the test again."},
	v1alpha1.ReasonNotNeutralised:         {Sandbox, "Apply manifests/20-modifiers.yaml again, and see Velero's log for resource modifiers that failed."},
	v1alpha1.ReasonNothingRestored:        {Backup, "See `velero backup describe --details`: the namespace was not there when the backup was made, or its name is mistyped."},
	v1alpha1.ReasonVolumeUnproven:         {Backup, "Include the volume in the backup (file-system backup or CSI snapshot), or leave its claim out of the test."},
	v1alpha1.ReasonCheckSkipped:           {Sandbox, "See status.checks for why it was skipped."},
	v1alpha1.ReasonPodsNotReady:           {Backup, "Look at the pods' images, secrets and volumes, and whether they need what a sandbox keeps from them (sandbox.networkIsolation); raise healthChecks.podReadyTimeout if they only need longer."},
	v1alpha1.ReasonBackupPartiallyFailed:  {Backup, "See `velero backup describe --details`, repair the backup and run the test again."},
	v1alpha1.ReasonObjectsMissing:         {Backup, "See status.completeness.missing, and the includes and excludes of the backup."},
	v1alpha1.ReasonBackupTooOld:           {Backup, "See why there is no newer backup: `velero backup get`, and status.restore.backupChoice of the test."},
	v1alpha1.ReasonNewerBackupsFailed:     {Backup, "See status.restore.backupChoice of the test, and `velero backup describe` of the backups that it names."},
	v1alpha1.ReasonWorkloadsNotInBackup:   {Backup, "See includedResources, excludedResources and the label selectors of the backup: a restore brings back nothing that runs."},
	v1alpha1.ReasonVolumeNotShown:         {Sandbox, "It says nothing about the backup. See status.volumes for what the test left out, and back the volume up through a pod that the test restores, or check its data in another way."},
	v1alpha1.ReasonLeftOut:                {Backup, "See status.completeness.leftOut, and the includes and excludes of the backup."},
	v1alpha1.ReasonNothingRan:             {Backup, "Take the backup while the application runs, or scale its workloads up in production and back it up again."},
	v1alpha1.ReasonNotRead:                {Inconclusive, "See the log of the API server; the next run reads again."},
	v1alpha1.ReasonNotTested:              {Sandbox, "Give kymaros-prober the right that the message names, or accept that it is not tested."},
	v1alpha1.ReasonRTOExceeded:            {Backup, "See status.rto.parts for where the time goes."},
	v1alpha1.ReasonDependenciesNotCovered: {Sandbox, "Add the other namespaces to backupSource.namespaces with sandbox.networkIsolation group, or accept that they are not covered."},
	v1alpha1.ReasonNotCompared:            {Sandbox, "Give kymaros-prober the right that the message names, if it names one, or accept that they are not compared."},
	v1alpha1.ReasonTestDeleted:            {Class: Inconclusive, Remedy: "Nothing is to be done."},

	// Reported and CleanedUp tell nothing of the backup.
	v1alpha1.ReasonReportWritten:         pending,
	v1alpha1.ReasonReportNotStored:       pending,
	v1alpha1.ReasonDeletingRestore:       pending,
	v1alpha1.ReasonNamespacesTerminating: pending,
	v1alpha1.ReasonStuck:                 pending,
	v1alpha1.ReasonNothingLeft:           pending,
	v1alpha1.ReasonLeaked:                pending,

	// Notified tells nothing of the backup either.
	v1alpha1.ReasonDelivered:         pending,
	v1alpha1.ReasonNothingToTell:     pending,
	v1alpha1.ReasonSending:           pending,
	v1alpha1.ReasonSilenced:          pending,
	v1alpha1.ReasonSecretNotReadable: {Inconclusive, "Create the Secret or the key that the message names, or bind ClusterRole kymaros-notification-secrets as it says."},
	v1alpha1.ReasonUndeliverable:     {Inconclusive, "See what the Secret of the channel holds, and whether the receiver answers. The next message is tried again."},
}
