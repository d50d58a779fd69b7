package dashboard

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// chains are the reports of each test, by namespace and name, as the chain knows them.
type chains struct {
	records map[string][]evidence.Record
	signer  *evidence.Signer
	keys    evidence.Keys
}

func newChains() (*chains, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	signer, err := evidence.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return nil, err
	}
	return &chains{records: map[string][]evidence.Record{}, signer: signer, keys: evidence.Keys{signer.ID: public}}, nil
}

// seal gives a report its place in the chain of its test, as the controller does. It is the newest of those that were sealed.
func (c *chains) seal(a *application, r *v1alpha1.RestoreReport) error {
	id := a.namespace + "/" + a.name
	known := c.records[id]
	var head evidence.Head
	if len(known) == 0 && a.pruned > 0 {
		head = evidence.Head{Sequence: a.pruned, Digest: digest("pruned")}
	}
	e := evidence.Extend(head, known, nil)
	if head.Sequence > 0 {
		e.Pruned = []v1alpha1.PrunedRecords{{From: 1, To: a.pruned}}
	}
	e.Cluster = v1alpha1.ClusterIdentity{UID: "5f0c1c9e-4f7a-4f0e-9d55-0c9b0a1c7d10", Kubernetes: "v1.36.3"}
	e.Test = v1alpha1.TestIdentity{UID: "0b6f5f0e-2f0a-4d1e-8a55-7c9b0a1c7d11", Generation: 3, SpecDigest: digest(id), PolicyDigest: digest(a.name)}
	e.Backup.ObjectsDigest = digest(r.Status.Backup.Name)
	e.Kymaros, e.Controls, e.NotSigned = "v0.9.0", a.controls, "no key is configured"
	r.Status.Evidence = &e
	if a.signed {
		if err := c.signer.Sign(r); err != nil {
			return err
		}
	}
	record, err := evidence.OfReport(r)
	if err != nil {
		return err
	}
	record.Signature = c.keys.Check(&record)
	c.records[id] = append(c.records[id], record)
	return nil
}

// head has a test know the newest of its reports.
func (c *chains) head(rt *v1alpha1.RestoreTest) {
	known := c.records[rt.Namespace+"/"+rt.Name]
	if len(known) == 0 {
		return
	}
	last := known[len(known)-1]
	rt.Status.LastRun = &v1alpha1.LastRun{RunID: last.RunID, Sequence: last.Sequence(), Digest: last.Verdict}
}

// digest is one of nothing in particular.
func digest(of string) v1alpha1.Digest {
	return v1alpha1.Digest("sha256:" + (fmt.Sprintf("%x", of) + strings.Repeat("3f9a0c7e", 8))[:64])
}
