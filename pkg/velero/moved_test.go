package velero

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What is said is that of Velero 1.15.2, 1.16.2, 1.17.2 and 1.18.3; what comes from the store is that of its clients.
func TestWhatKeptDataFromComingIsNotAlwaysTheBackup(t *testing.T) {
	const (
		failed = "data path restore failed: "
		kopia  = failed + "Failed to run kopia restore: Failed to copy snapshot data to the target: restore error: error copying: copy file: error creating file: "
		mover  = failed + "Failed to run data path service for PVR v: "
	)
	for name, c := range map[string]struct {
		phase, message string
		want           Fault
	}{
		"1.15: the agent started anew":           {"Failed", `get a podvolumerestore with status "InProgress" during the server starting, mark it as "Failed"`, MoverEnded},
		"1.17: so it did, of what restic backed": {"Failed", `get a legacy podvolumerestore with status "InProgress" during the server starting, mark it as "Failed": cannot survive from node-agent restart`, MoverEnded},
		"1.15: the agent was asked to end":       {"Failed", "data path restore canceled: PVR is canceled", MoverEnded},
		"the pod was killed":                     {"Failed", failed, MoverEnded},
		"the pod was asked to end":               {"Failed", mover + "timed out waiting for fs restore to complete", MoverEnded},
		"it could not be taken up again":         {"Canceled", "Resume InProgress PVR failed with error error to get exposed PVR v: pod not found, mark it as cancel", MoverEnded},
		"1.15: it was not under way yet":         {"Canceled", "Datadownload is in Accepted status during the node-agent starting, mark it as cancel", MoverEnded},
		"somebody had it given up":               {"Canceled", "", MoverEnded},
		"the pod could not be made":              {"Canceled", "found a datadownload velero/d with expose error: pod is in abnormal state. mark it as cancel", NotPrepared},
		"the image is not there":                 {"Canceled", "Cancel PVR because the exposing pod velero/v is in abnormal status for reason ImagePullBackOff", NotPrepared},
		"the pod did not come":                   {"Failed", "timeout on preparing data download", NotPrepared},
		"nor for files":                          {"Failed", "timeout on preparing PVR", NotPrepared},
		"the path is not there":                  {"Failed", "error to expose PVR: error to get pod volume path: error identifying unique volume path on host for volume data in pod db-0: expected one matching path, got 0", NotPrepared},
		"1.15: nor is it":                        {"Failed", "error exposing host path for pod volume: pod volume not found", NotPrepared},
		"no node is of that kind":                {"Failed", "failed to set exposer parameters: no appropriate node to run datadownload velero/d", NotPrepared},
		"the pod is gone":                        {"Failed", "exposed PVR is not ready: no expose result is available for the current node", NotPrepared},
		"no pod uses the claim":                  {"Failed", "error to expose snapshot: error to wait target PVC consumed, db/data: context deadline exceeded", NoFault},
		"the claim is taken":                     {"Failed", "error to expose snapshot: Target PVC db/data has already been bound, abort", NoFault},

		"nobody listens":           {"Failed", kopia + `unable to complete GetBlob(p1) despite 10 retries: Get "http://10.0.0.1:9000/velero/kopia/db/p1": dial tcp 10.0.0.1:9000: connect: connection refused`, StoreLost},
		"1.15: nor at first":       {"Failed", `error to initialize data path: error to boost backup repository connection default-db-kopia: error to connect backup repo: error to connect repo with storage: Get "https://s3/": dial tcp: lookup s3 on 10.96.0.10:53: no such host`, StoreLost},
		"1.17: nor at first":       {"Failed", mover + "error to initialize data path: error to boost backup repository connection default-db-kopia: read tcp 10.0.0.2:1->10.0.0.1:443: i/o timeout", StoreLost},
		"the store has too much":   {"Failed", kopia + "Please reduce your request rate.", StoreLost},
		"the store is down":        {"Failed", kopia + "503 Service Unavailable", StoreLost},
		"Google's is":              {"Failed", kopia + "googleapi: Error 503: backend error", StoreLost},
		"it refuses":               {"Failed", kopia + "Access Denied.", NoFault},
		"MinIO has lost its disks": {"Failed", kopia + "Resource requested is unreadable, please reduce your request rate", NoFault},
		"there is no snapshot":     {"Failed", failed + "Failed to run kopia restore: Unable to load snapshot 2e97: snapshot not found", NoFault},
		"there is no content":      {"Failed", kopia + "failed to open object with id d7ed: content d7ed not found: object not found", NoFault},
		"a blob is gone, and then": {"Failed", kopia + "BLOB not found: dial tcp 10.0.0.1:9000: connect: connection refused", NoFault},
		"there is no repository":   {"Failed", mover + "error to initialize data path: error to connect to repository: repository not initialized in the provided storage", NoFault},
		"it cannot be read":        {"Failed", kopia + "unable to decrypt content: cipher: message authentication failed; dial tcp 10.0.0.1:9000: i/o timeout", NoFault},
		"it ends too early":        {"Failed", kopia + "unexpected EOF", NoFault},
		"the volume is full":       {"Failed", kopia + "no space left on device", NoFault},
		"nobody says":              {"Failed", "", NoFault},
		"somebody else says":       {"Failed", "acme: connection refused", NoFault},
		"it came":                  {"Completed", "", NoFault},
		"it is under way":          {"InProgress", "", NoFault},
	} {
		if got := FaultOf(c.phase, c.message); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWordsHaveAnEnd(t *testing.T) {
	if got := Words(" one\n\ttwo  three "); got != "one two three" {
		t.Errorf("%q", got)
	}
	if got := Words(strings.Repeat("é", maxWords)); len(got) > maxWords || !utf8.ValidString(got) || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
