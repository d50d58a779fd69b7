package evidence

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// PayloadType is that of in-toto statements.
const PayloadType = "application/vnd.in-toto+json"

// State is what is known of a signature.
type State string

// States.
const (
	// None: the report has no envelope.
	None State = ""
	// Valid: the key that is named signed this report.
	Valid State = "valid"
	// Invalid: it did not.
	Invalid State = "invalid"
	// NoKey: its public key is not known.
	NoKey State = "unknown key"
)

// Signature is what is known of the signature of a report.
type Signature struct {
	State  State
	KeyID  string
	Detail string
}

// encode returns the bytes that are signed (DSSE v1).
func encode(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}

// Signer signs reports with one key.
type Signer struct {
	// ID names the key.
	ID  string
	key crypto.Signer
}

// NewSigner returns a Signer with a private key in PEM: PKCS #8, or SEC 1 for ECDSA. Keys are Ed25519 or ECDSA with curve P-256.
func NewSigner(text []byte) (*Signer, error) {
	block, rest := pem.Decode(text)
	for block != nil && !strings.HasSuffix(block.Type, "PRIVATE KEY") { // openssl ecparam writes the curve before it
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("no private key in PEM: make one with `openssl genpkey -algorithm ed25519`")
	}
	var key any
	var err error
	if block.Type == "EC PRIVATE KEY" {
		key, err = x509.ParseECPrivateKey(block.Bytes)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key: a %T does not sign", key)
	}
	id, err := KeyID(signer.Public())
	return &Signer{ID: id, key: signer}, err
}

// KeyID names a public key: the first 16 hexadecimal digits of the SHA-256 of its SPKI. It refuses keys that are neither Ed25519 nor
// ECDSA with curve P-256.
func KeyID(public crypto.PublicKey) (string, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return "", fmt.Errorf("curve %s: use P-256", key.Curve.Params().Name)
		}
	default:
		return "", fmt.Errorf("a %T: use Ed25519, or ECDSA with curve P-256", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	s := sha256.Sum256(der)
	return hex.EncodeToString(s[:8]), nil
}

// sign returns the envelope of a statement.
func (s *Signer) sign(statement []byte) (*v1alpha1.Envelope, error) {
	message, hash := encode(PayloadType, statement), crypto.Hash(0)
	if _, ok := s.key.Public().(*ecdsa.PublicKey); ok {
		digest := sha256.Sum256(message)
		message, hash = digest[:], crypto.SHA256
	}
	sig, err := s.key.Sign(rand.Reader, message, hash)
	if err != nil {
		return nil, err
	}
	return &v1alpha1.Envelope{
		PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []v1alpha1.EnvelopeSignature{{KeyID: s.ID, Sig: base64.StdEncoding.EncodeToString(sig)}},
	}, nil
}

// Keys are public keys by their names.
type Keys map[string]crypto.PublicKey

// Add adds the public keys of a text in PEM.
func (k Keys) Add(text []byte) error {
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return fmt.Errorf("a %s is no PUBLIC KEY: `openssl pkey -pubout` gives that of a private key", block.Type)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return fmt.Errorf("public key: %w", err)
		}
		id, err := KeyID(key)
		if err != nil {
			return fmt.Errorf("public key: %w", err)
		}
		k[id] = key
		found++
	}
	if found == 0 {
		return errors.New("no public key in PEM: `openssl pkey -pubout` gives that of a private key")
	}
	return nil
}

// PEM returns the key of that name as files have it.
func (k Keys) PEM(id string) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k[id])
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// Check tells whether the envelope of a record was signed by the key it names, and is of this record.
func (k Keys) Check(r *Record) Signature {
	e := r.Envelope
	if e == nil || len(e.Signatures) == 0 {
		return Signature{}
	}
	s := e.Signatures[0]
	invalid := func(format string, args ...any) Signature {
		return Signature{Invalid, s.KeyID, fmt.Sprintf(format, args...)}
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		return invalid("its statement is not base64")
	}
	sig, err := base64.StdEncoding.DecodeString(s.Sig)
	if err != nil {
		return invalid("its signature is not base64")
	}
	var statement Statement
	if e.PayloadType != PayloadType || json.Unmarshal(payload, &statement) != nil || statement.PredicateType != PredicateType {
		return invalid("it signs no statement of a restore report")
	}
	if !statement.about(r) {
		return invalid("it signs another report, or this one before it was edited")
	}
	key, known := k[s.KeyID]
	if !known {
		return Signature{NoKey, s.KeyID, fmt.Sprintf("signed by key %s, which is not among the public keys: give it with --key, or put it into ConfigMap kymaros-evidence-keys", s.KeyID)}
	}
	if !verified(key, encode(e.PayloadType, payload), sig) {
		return invalid("key %s did not sign it", s.KeyID)
	}
	return Signature{Valid, s.KeyID, ""}
}

func verified(key crypto.PublicKey, message, sig []byte) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, sig)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, digest[:], sig)
	}
	return false
}
