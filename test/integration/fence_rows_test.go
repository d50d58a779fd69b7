package integration

// row is one write and who refuses it.
type row struct {
	name string
	who  actor
	do   attempt
	// by is the policy that refuses it, empty if none does.
	by string
	// ungranted: the manifests do not grant it, so that RBAC refuses it before any policy can.
	ungranted bool
}

// wants returns the outcome of a row. bound: the controller's ServiceAccounts are bound to cluster-admin.
func (r row) wants(fence, bound bool) string {
	ours := r.who.user == controllerSA || r.who.user == theProber.user || r.who.user == theDNS.user || r.who.user == theGuide.user || r.who.user == theAPI.user || r.who.user == theNotify.user || r.who.user == theArchive.user
	switch {
	case r.ungranted && !(ours && bound):
		return byRBAC
	case fence && r.by != "":
		return r.by
	}
	return allowed
}

// rows is the matrix.
func rows() []row {
	var all []row
	for _, some := range [][]row{anchorRows(), namespaceRows(), sandboxRows(), clusterRows(), veleroRows(), ownRows(), mappingRows(), proberRows(), restoreRows(), restoredRows(), podRows(), execRows(), guardRows(), deputyRows(),
		targetRows(), claimRows(), modifierRows(), shippedRows(), reportRows(), tokenRows(), notifyRows(), grantRows()} {
		all = append(all, some...)
	}
	return all
}
