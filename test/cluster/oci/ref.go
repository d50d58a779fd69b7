// Package oci makes container images of plain directories and hands them to a registry. No container
// engine is needed: an image is a tar file and two JSON documents.
package oci

import (
	"fmt"
	"regexp"
	"strings"
)

// Ref names an image.
type Ref struct {
	// Host is the registry's name, "docker.io" if the reference has none.
	Host string
	// Repository is the path within the registry.
	Repository string
	Tag        string
}

var (
	repository = regexp.MustCompile(`^[a-z0-9]+([._/-]+[a-z0-9]+)*$`)
	tag        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// ParseRef understands references as container runtimes do: "web" is docker.io/library/web:latest.
func ParseRef(s string) (Ref, error) {
	r := Ref{Host: "docker.io", Repository: s, Tag: "latest"}
	if host, rest, ok := strings.Cut(s, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		r.Host, r.Repository = host, rest
	}
	if i := strings.LastIndexByte(r.Repository, ':'); i >= 0 {
		r.Repository, r.Tag = r.Repository[:i], r.Repository[i+1:]
	}
	if r.Host == "docker.io" && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
	if !repository.MatchString(r.Repository) || !tag.MatchString(r.Tag) {
		return Ref{}, fmt.Errorf("image reference %q: want [HOST/]NAME[:TAG], without a digest", s)
	}
	return r, nil
}

func (r Ref) String() string { return r.Host + "/" + r.Repository + ":" + r.Tag }
