// Package evidence makes tampering with reports show. The reports of a test are a chain: each holds its number and the digest of the
// record before, and the newest number and digest, the head, stand in the status of the RestoreTest and leave the cluster with
// notifications. A report that is missing, edited, moved or there twice breaks the chain; a chain that ends early breaks with its head.
//
// The digests are SHA-256 of canonical JSON (RFC 8785) of what the API server stores:
//
//	verdict  {apiVersion, kind, name, namespace, spec, status without status.evidence.envelope}
//	hygiene  the field hygiene, which cleanup writes after the verdict
//	record   {"hygiene": digest or null, "verdict": digest}
//
// Labels and annotations are anybody's, and in none of them. Every digest is of the object as it is stored, not of our types: those of
// an older version would leave out what they do not know. So a field of RestoreReport has no default, which the API server would add
// when it reads an old report, and is neither removed nor renamed. Numbers are whole and below 2^53, for canonical JSON knows no
// others that every language reads alike.
//
// What a chain cannot show: that the controller told the truth; without a signature, that nobody with access to etcd wrote all of it
// anew; without a head from outside the cluster, that it does not end early. It is pure.
package evidence
