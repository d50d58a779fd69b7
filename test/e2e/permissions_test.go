package e2e

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/test/audit"
)

// exceptions are the grants that a run of these tests cannot use, and why. An entry that was used, or that no manifest
// grants, fails the run: so this list never grows old.
var exceptions = map[string]string{
	"kymaros-controller: get leases.coordination.k8s.io kymaros-controller in namespace kymaros-system": "the audit policy of test/cluster leaves out reads of leases",
	"kymaros-controller: patch events":                                                                                                    "nothing is worth the same warning twice within minutes here; events of runs that begin and end name them",
	"kymaros-controller: patch resourcequotas":                                                                                            "no test here changes a quota of a sandbox, so none is put back; the integration tests do",
	"kymaros-controller: delete volumesnapshotcontents.snapshot.storage.k8s.io":                                                           "the cluster has no CSI driver that makes snapshots",
	"kymaros-controller: get downloadrequests.velero.io kymaros-inventory in namespace velero":                                            "needed only after a crash between two writes, which the integration tests bring about",
	"kymaros-controller: get restores.velero.io in namespace velero":                                                                      "needed only after a crash between two writes, which the integration tests bring about",
	"kymaros-controller: patch datadownloads.velero.io in namespace velero":                                                               "the cluster has no CSI driver that makes snapshots, so nothing moves their data",
	"kymaros-api: create subjectaccessreviews.authorization.k8s.io":                                                                       "no test here asks the API; those of pkg/server do",
	"kymaros-api: create tokenreviews.authentication.k8s.io":                                                                              "no test here asks the API; those of pkg/server do",
	"kymaros-api: get healthcheckpolicies.restore.kymaros.io":                                                                             "no test here asks the API; those of pkg/server do",
	"kymaros-api: get restorereports.restore.kymaros.io":                                                                                  "no test here asks the API; those of pkg/server do",
	"kymaros-api: get restoretests.restore.kymaros.io":                                                                                    "no test here asks the API; those of pkg/server do",
	"kymaros-controller: bind clusterroles.rbac.authorization.k8s.io kymaros-sandbox-prober,kymaros-sandbox-dns,kymaros-sandbox-restorer": "no request asks for it by itself: who makes a RoleBinding has to have it",
	"kymaros-prober: list volumesnapshotcontents.snapshot.storage.k8s.io":                                                                 "the cluster has no CSI driver that makes snapshots",
	"kymaros-prober: get configmaps in namespace velero":                                                                                  "no backup of these tests has a resource policy; one of the field cases has",
	"kymaros-prober: patch events":                                                                                                        "nothing is worth the same warning twice within minutes here; events of runs that begin and end name them",
	"kymaros-prober: get leases.coordination.k8s.io kymaros-prober in namespace kymaros-system":                                           "the audit policy of test/cluster leaves out reads of leases",
	"kymaros-prober: get downloadrequests.velero.io kymaros-inventory-prober in namespace velero":                                         "needed only after a crash between two writes, which the integration tests bring about",
	"kymaros-prober: get restorereports.restore.kymaros.io":                                                                               "needed only after a crash between two writes, which the integration tests bring about",
	"kymaros-notify: create events":                                                                                                       "no test here names a channel; the integration tests do",
	"kymaros-notify: get leases.coordination.k8s.io kymaros-notify in namespace kymaros-system":                                           "the audit policy of test/cluster leaves out reads of leases",
	"kymaros-notify: patch events":                                                                                                        "no test here names a channel; the integration tests do",
	"kymaros-notify: patch restoretests.restore.kymaros.io/status":                                                                        "no test here names a channel; the integration tests do",
}

// checkPermissions compares what the ServiceAccounts of the manifests asked for since then with what they are granted: a
// request that was denied fails the run, and so does a grant that nothing used, unless only some tests were run.
func checkPermissions(since time.Time) error {
	requests, err := cluster.Requests(since)
	if err != nil {
		return err
	}
	wrong := audit.Forbidden(requests)
	for i := range wrong {
		wrong[i] = "denied: " + wrong[i]
	}
	if narrowed := narrowed(); narrowed != "" {
		fmt.Printf("permissions: whether each grant is needed was not checked, for -%s leaves tests out\n", narrowed)
	} else {
		grants, err := audit.GrantsIn("../../manifests")
		if err != nil {
			return err
		}
		if !cancelsFiles() {
			exceptions["kymaros-controller: patch podvolumerestores.velero.io in namespace velero"] = "this Velero cannot be asked to give them up"
		}
		wrong = audit.Judge(grants, requests, exceptions)
		fmt.Printf("permissions: %d grants checked against %d requests\n", len(grants), len(requests))
	}
	if len(wrong) > 0 {
		return errors.New("permissions:\n\t" + strings.Join(wrong, "\n\t"))
	}
	return nil
}

// narrowed returns the flag with which somebody chose among the tests, if any.
func narrowed() string {
	if testing.Short() {
		return "short"
	}
	for _, name := range []string{"run", "skip", "list"} {
		if flag.Lookup("test."+name).Value.String() != "" {
			return name
		}
	}
	return ""
}
