// Package dns answers the names that a restored application uses, such as db.shop.svc.cluster.local, with what came back
// beside it in the sandboxes of its run. It knows nothing else, asks nobody, and so can lead nowhere else: not to
// production and not out of the cluster.
//
// Who asks is told by the source address: a pod of a sandbox. Nothing else in a query is believed, and whoever is no pod of
// a sandbox is refused.
package dns
