package server

import (
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/kymaros/kymaros/pkg/server/caller"
)

// Self is the one caller of a server that somebody runs for themselves, with their own rights and for nobody else. No request says
// whose it is, so whoever runs such a server lets no other request reach it.
type Self struct {
	User authenticationv1.UserInfo
	// Clients ask with the rights of the caller, as do Kube and Client of the options.
	Clients Clients
	// Namespace is the only one that is looked at; empty: all of them.
	Namespace string
}

// caller returns the one that there is, nil if requests say whose they are.
func (s *Self) caller() (*caller.Caller, error) {
	if s == nil {
		return nil, nil
	}
	return caller.Alone(s.User)
}

// namespace returns the only one that is looked at; empty: all of them.
func (s *Self) namespace() string {
	if s == nil {
		return ""
	}
	return s.Namespace
}
