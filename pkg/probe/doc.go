// Package probe runs health checks against a sandbox without opening it. It reaches pods through the API server only:
// pods/exec and pods/portforward connect inside the pod's own network namespace, where no network policy is in the way
// and none has to be loosened. Whatever comes back is written by the restored application, so it is bounded, matched and
// thrown away: a verdict holds status codes, exit codes, counts and names, never output.
package probe
