package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Canonical returns v as canonical JSON (RFC 8785). It refuses numbers that are not whole, or not between -2^53 and 2^53, naming the
// field.
func Canonical(v any) ([]byte, error) {
	plain, err := decoded(v)
	if err != nil {
		return nil, err
	}
	body, refused := write(nil, plain)
	if refused != nil {
		return nil, refused
	}
	return body, nil
}

// DigestOf returns the digest of v as canonical JSON, see Canonical.
func DigestOf(v any) (v1alpha1.Digest, error) {
	body, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return sum(body), nil
}

func sum(body []byte) v1alpha1.Digest {
	s := sha256.Sum256(body)
	return v1alpha1.Digest("sha256:" + hex.EncodeToString(s[:]))
}

// decoded returns v as the API server's JSON reader does: whole numbers are int64, all others float64.
func decoded(v any) (any, error) {
	switch v.(type) {
	case map[string]any, []any, string, bool, int64, float64, nil:
		return v, nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	err = utiljson.Unmarshal(body, &plain)
	return plain, err
}

// Verdict returns the canonical bytes of a report as the API server stores it, of which the digest of its verdict is.
func Verdict(report map[string]any) ([]byte, error) {
	meta, ok := report["metadata"].(map[string]any)
	if !ok {
		return nil, errors.New("metadata is missing: this is no report")
	}
	stored := map[string]any{"namespace": meta["namespace"], "name": meta["name"]}
	for _, field := range []string{"apiVersion", "kind", "spec", "status"} {
		if report[field] == nil {
			return nil, fmt.Errorf("%s is missing: this is no report, or it has no verdict yet", field)
		}
		stored[field] = report[field]
	}
	stored["status"] = unsealed(stored["status"])
	return Canonical(stored)
}

// unsealed returns status without its envelope.
func unsealed(status any) any {
	s, ok := status.(map[string]any)
	if !ok {
		return status
	}
	e, ok := s["evidence"].(map[string]any)
	if !ok || e["envelope"] == nil {
		return status
	}
	return without(s, "evidence", without(e, "envelope", nil))
}

// without returns m with another value of a field, or without the field for nil. m stays as it is.
func without(m map[string]any, field string, value any) map[string]any {
	other := make(map[string]any, len(m))
	for name, v := range m {
		if name != field {
			other[name] = v
		}
	}
	if value != nil {
		other[field] = value
	}
	return other
}

// link returns the digest of a record; hygiene is empty if it has none.
func link(verdict, hygiene v1alpha1.Digest) v1alpha1.Digest {
	record := map[string]any{"hygiene": nil, "verdict": string(verdict)}
	if hygiene != "" {
		record["hygiene"] = string(hygiene)
	}
	digest, err := DigestOf(record)
	if err != nil { // two texts
		panic(err)
	}
	return digest
}
