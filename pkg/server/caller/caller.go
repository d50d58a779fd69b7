package caller

import (
	"crypto/sha256"
	"encoding/json"

	authenticationv1 "k8s.io/api/authentication/v1"
)

// Caller is who asks, as the API server knows them.
type Caller struct {
	User authenticationv1.UserInfo
	// ReadOnly: the token is good here only, and for no write.
	ReadOnly bool
	// id is a hash of all that the API server says of them: who differs in a group is somebody else.
	id [sha256.Size]byte
}

// Alone returns the one caller of a server that somebody runs for themselves. The error is of a user that JSON cannot hold.
func Alone(user authenticationv1.UserInfo) (*Caller, error) {
	text, err := json.Marshal(user)
	if err != nil {
		return nil, err
	}
	return &Caller{User: user, id: sha256.Sum256(text)}, nil
}

// Is tells whether two callers are the same, in the same groups.
func (c *Caller) Is(other *Caller) bool { return c.id == other.id }
