package evidence

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// pair returns a private key as openssl writes it, and its public key.
func pair(t *testing.T, key crypto.Signer, err error) (private, public []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
}

func edPair(t *testing.T) (private, public []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return pair(t, key, err)
}

func ecPair(t *testing.T) (private, public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return pair(t, key, err)
}

func signer(t *testing.T, private []byte) *Signer {
	t.Helper()
	s, err := NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keys(t *testing.T, publics ...[]byte) Keys {
	t.Helper()
	k := Keys{}
	for _, public := range publics {
		if err := k.Add(public); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func TestSignaturesOfAChain(t *testing.T) {
	private, public := ecPair(t)
	newPrivate, newPublic := edPair(t)
	_, wrong := edPair(t)
	// Two runs by one key, and after its rotation two by another.
	fresh := func() *cluster {
		c := newCluster(t, 100, 0)
		c.signer = signer(t, private)
		c.run(full)
		c.run(full)
		c.signer = signer(t, newPrivate)
		c.run(full)
		c.run(full)
		return c
	}
	envelope := func(c *cluster, n int64) map[string]any { return chainOf(c.stored[n])["envelope"].(map[string]any) }
	signature := func(c *cluster, n int64) map[string]any {
		return envelope(c, n)["signatures"].([]any)[0].(map[string]any)
	}
	both := keys(t, public, newPublic)
	for sentence, tt := range map[string]struct {
		tamper func(*cluster)
		keys   Keys
		want   []string
	}{
		"all keys are known":       {func(*cluster) {}, both, nil},
		"a signature is taken off": {func(c *cluster) { delete(chainOf(c.stored[2]), "envelope") }, both, []string{"signature missing #2"}},
		"a signature is that of another report": {func(c *cluster) { chainOf(c.stored[2])["envelope"] = chainOf(c.stored[1])["envelope"] }, both,
			[]string{"bad signature #2"}},
		"a signature is broken": {func(c *cluster) {
			sig, _ := base64.StdEncoding.DecodeString(signature(c, 2)["sig"].(string))
			sig[len(sig)-1] ^= 1
			signature(c, 2)["sig"] = base64.StdEncoding.EncodeToString(sig)
		}, both, []string{"bad signature #2"}},
		"a signature is no base64":     {func(c *cluster) { signature(c, 2)["sig"] = "%" }, both, []string{"bad signature #2"}},
		"a statement is no base64":     {func(c *cluster) { envelope(c, 2)["payload"] = "%" }, both, []string{"bad signature #2"}},
		"a payload is of another type": {func(c *cluster) { envelope(c, 2)["payloadType"] = "text/plain" }, both, []string{"bad signature #2"}},
		"a signature names another known key": {func(c *cluster) { signature(c, 2)["keyid"] = signature(c, 3)["keyid"] }, both,
			[]string{"bad signature #2"}},
		"a statement is edited": {func(c *cluster) {
			payload, _ := base64.StdEncoding.DecodeString(envelope(c, 2)["payload"].(string))
			envelope(c, 2)["payload"] = base64.StdEncoding.EncodeToString(bytes.Replace(payload, []byte("score"), []byte("Score"), 1))
		}, both, []string{"bad signature #2"}},
		"a report is edited": {func(c *cluster) { status(c.stored[2])["score"] = int64(1) }, both, []string{"edited #2", "bad signature #2"}},
		"somebody signs with a key of their own": {func(c *cluster) {
			forge(t, c, 2, signer(t, newPrivate))
		}, both, []string{"edited #2"}},
	} {
		c := fresh()
		tt.tamper(c)
		r := c.verify(tt.keys, Head{})
		says(t, sentence, r, tt.want...)
		if want := 4 - min(len(tt.want), 1); sentence != "somebody signs with a key of their own" && r.Signed != want {
			t.Errorf("%s: %d are signed, want %d", sentence, r.Signed, want)
		}
	}
	for sentence, tt := range map[string]struct {
		keys   Keys
		signed int
	}{
		"the key of before is not given": {keys(t, newPublic), 2},
		"the new key is not given":       {keys(t, public), 2},
		"the key that is given is wrong": {keys(t, wrong), 0},
		"no key is given":                {nil, 0},
	} {
		c := fresh()
		r := c.verify(tt.keys, Head{})
		if r.Intact() || r.Tampered() || r.Signed != tt.signed || !strings.Contains(r.String(), "unknown key") {
			t.Errorf("%s: %s", sentence, r.String())
		}
	}
	// The wrong key under the name of the right one.
	swapped := maps.Clone(both)
	for id := range swapped {
		for _, other := range keys(t, wrong) {
			swapped[id] = other
		}
	}
	r := fresh().verify(swapped, Head{})
	says(t, "the wrong key under the right name", r, "bad signature #1", "bad signature #2", "bad signature #3", "bad signature #4")
}

// forge edits a report and signs it.
func forge(t *testing.T, c *cluster, n int64, s *Signer) {
	t.Helper()
	body, err := json.Marshal(c.stored[n])
	if err != nil {
		t.Fatal(err)
	}
	var r v1alpha1.RestoreReport
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	r.Status.Score = 1
	if err := s.Sign(&r); err != nil {
		t.Fatal(err)
	}
	c.stored[n] = asStored(t, &r)
}

func TestKeysThatDoNotServeAreRefused(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	large, largePublic := pair(t, p384, err)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaPrivate, rsaPublic := pair(t, weak, err)
	_, public := edPair(t)
	for sentence, c := range map[string]struct {
		text []byte
		says string
	}{
		"nothing": {nil, "openssl genpkey"}, "no PEM": {[]byte("key"), "openssl genpkey"}, "a public key": {public, "openssl genpkey"},
		"P-384": {large, "use P-256"}, "RSA": {rsaPrivate, "use Ed25519"}, "broken": {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "private key:"},
	} {
		if _, err := NewSigner(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("private key: %s: %v", sentence, err)
		}
	}
	for sentence, c := range map[string]struct {
		text []byte
		says string
	}{
		"nothing": {nil, "openssl pkey -pubout"}, "a private key": {large, "openssl pkey -pubout"}, "P-384": {largePublic, "use P-256"}, "RSA": {rsaPublic, "use Ed25519"},
		"broken": {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "public key:"},
	} {
		if err := (Keys{}).Add(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("public key: %s: %v", sentence, err)
		}
	}
}

// The recipe of VERIFY.txt, and keys as openssl makes them.
func TestOpenSSLVerifiesAnEnvelope(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	for kind, generate := range map[string][]string{
		"Ed25519":             {"genpkey", "-algorithm", "ed25519", "-out", "key"},
		"ECDSA":               {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key"},
		"ECDSA as of ecparam": {"ecparam", "-name", "prime256v1", "-genkey", "-out", "key"},
	} {
		dir := t.TempDir()
		run := func(args ...string) (string, error) {
			cmd := exec.Command(openssl, args...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		write := func(name string, text []byte) {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := run(generate...); err != nil {
			t.Fatal(out)
		}
		if out, err := run("pkey", "-in", "key", "-pubout", "-out", "pub"); err != nil {
			t.Fatal(out)
		}
		private, err := os.ReadFile(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		public, err := os.ReadFile(filepath.Join(dir, "pub"))
		if err != nil {
			t.Fatal(err)
		}
		c := newCluster(t, 100, 0)
		c.signer = signer(t, private)
		c.run(full)
		says(t, kind, c.verify(keys(t, public), Head{}))
		r := c.records(nil)[0]
		payload, _ := base64.StdEncoding.DecodeString(r.Envelope.Payload)
		sig, _ := base64.StdEncoding.DecodeString(r.Envelope.Signatures[0].Sig)
		write("sig", sig)
		write("signed", encode(r.Envelope.PayloadType, payload))
		args := []string{"pkeyutl", "-verify", "-pubin", "-inkey", "pub", "-rawin", "-in", "signed", "-sigfile", "sig"}
		if out, err := run(args...); err != nil || !strings.Contains(out, "Verified Successfully") {
			t.Errorf("%s: %v %s", kind, err, out)
		}
		write("signed", encode(r.Envelope.PayloadType, bytes.Replace(payload, []byte("score"), []byte("Score"), 1)))
		if out, err := run(args...); err == nil {
			t.Errorf("%s: openssl verifies what was edited: %s", kind, out)
		}
		// The subject is what sha256sum says of the canonical bytes.
		verdict, err := Verdict(c.stored[1])
		if err != nil {
			t.Fatal(err)
		}
		write("verdict.json", verdict)
		if out, err := run("dgst", "-sha256", "-r", "verdict.json"); err != nil || !strings.Contains(string(payload), strings.Fields(out)[0]) {
			t.Errorf("%s: the statement is not about %s", kind, out)
		}
	}
}
