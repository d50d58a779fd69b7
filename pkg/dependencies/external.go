package dependencies

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// address matches an URL up to where text goes on that is none.
	address = regexp.MustCompile("(?i)[a-z][-+.a-z0-9]{1,30}://[^\\s\"'`<>|\\\\]+")
	// hostname matches a name with a domain, and nothing besides. The last label of a domain is never a number.
	hostname = regexp.MustCompile(`(?i)^(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.){1,8}[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)
	// hostKey matches a key whose value is a host, with a port or without.
	hostKey = regexp.MustCompile(`(?i)(?:^|_)(?:host|url)$`)
	// serviceKey matches a key whose value may be service.namespace: of the run, so that little else can be meant.
	serviceKey = regexp.MustCompile(`(?i)(?:^|[-_.])(?:host|hostname|url|addr|address|endpoint|server)$`)
	port       = regexp.MustCompile(`:[0-9]{1,5}$`)
)

// Lines that name addresses nobody connects to: comments, and names of schemas.
var (
	comments = []string{"#", "//", ";", "*", "<!--"}
	schemas  = []string{"xmlns", "schemaLocation", "$schema", "DOCTYPE"}
)

// external returns the hosts outside of the cluster that a value names: those of URLs, and the value itself where key says
// that it is a host. Anything else with dots in it could as well be a file, a version or a class.
func (f Finder) external(key, value string) []string {
	var found []string
	add := func(host string) {
		host = strings.ToLower(strings.TrimSuffix(port.ReplaceAllString(host, ""), "."))
		if len(host) <= 253 && hostname.MatchString(host) && !f.inside(host) {
			found = append(found, host)
		}
	}
	if hostKey.MatchString(key) {
		add(strings.TrimSpace(value))
	}
	for line := range strings.Lines(value) {
		if is := strings.TrimSpace(line); slices.ContainsFunc(comments, func(c string) bool { return strings.HasPrefix(is, c) }) ||
			slices.ContainsFunc(schemas, func(s string) bool { return strings.Contains(is, s) }) {
			continue
		}
		for _, url := range address.FindAllString(line, -1) {
			_, rest, _ := strings.Cut(url, "://")
			authority, tail := rest, ""
			if i := strings.IndexAny(rest, "/?#"); i >= 0 {
				authority, tail = rest[:i], rest[i:]
			}
			if strings.Contains(tail, "@") {
				continue // perhaps the rest of a password: what stands before it is then no host
			}
			authority = authority[strings.LastIndex(authority, "@")+1:]
			for host := range strings.SplitSeq(authority, ",") {
				add(strings.TrimRight(host, ".;)]}"))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// short returns the reference that service.namespace is, without a port, as the whole value of a key that says it is a host.
func (f Finder) short(from, place, key, value string) []Reference {
	host := strings.ToLower(strings.TrimSuffix(port.ReplaceAllString(strings.TrimSpace(value), ""), "."))
	service, namespace, ok := strings.Cut(host, ".")
	if !ok || !serviceKey.MatchString(key) || namespace == from || !slices.Contains(f.Sources, namespace) || !hostname.MatchString(host) {
		return nil
	}
	return []Reference{{From: from, Service: service, Namespace: namespace, Host: host, Place: place}}
}

// inside tells whether a host is one of the cluster: it ends like one, or with a namespace of the run.
func (f Finder) inside(host string) bool {
	last := host[strings.LastIndex(host, ".")+1:]
	return last == "svc" || last == "local" || last == "localhost" || strings.Contains(host, ".svc.") || slices.Contains(f.Sources, last)
}
