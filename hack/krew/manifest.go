package main

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"
)

const pluginName = "kymaros"

// manifest has the fields of krew's Plugin that ours uses; any other is taken for a mistake.
type manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Version          string     `json:"version"`
		Homepage         string     `json:"homepage"`
		ShortDescription string     `json:"shortDescription"`
		Description      string     `json:"description"`
		Caveats          string     `json:"caveats"`
		Platforms        []platform `json:"platforms"`
	} `json:"spec"`
}

// platform is where to get the plugin for an operating system and an architecture.
type platform struct {
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	// Bin is the program in the archive.
	Bin string `json:"bin"`
}

func (p platform) String() string {
	return p.Selector.MatchLabels["os"] + "/" + p.Selector.MatchLabels["arch"]
}

// platforms are those that the plugin is built for.
var platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

var sum = regexp.MustCompile(`^[0-9a-f]{64}$`)

func parse(text []byte) (*manifest, error) {
	var m manifest
	if err := yaml.UnmarshalStrict(text, &m); err != nil {
		return nil, fmt.Errorf("the manifest: %w", err)
	}
	return &m, nil
}

// faults are what krew would refuse of the manifest, and what would have it install the wrong thing.
func (m *manifest) faults() (all []error) {
	wrong := func(is bool, format string, of ...any) {
		if is {
			all = append(all, fmt.Errorf(format, of...))
		}
	}
	s := m.Spec
	wrong(m.APIVersion != "krew.googlecontainertools.github.com/v1alpha2", "apiVersion is %q", m.APIVersion)
	wrong(m.Kind != "Plugin", "kind is %q", m.Kind)
	wrong(m.Metadata.Name != pluginName, "the plugin is called %q, and its file %s.yaml", m.Metadata.Name, pluginName)
	_, err := version.ParseSemantic(s.Version)
	wrong(err != nil || !strings.HasPrefix(s.Version, "v"), "version is %q, want one like v0.1.0", s.Version)
	// The list of plugins shows it on one line, beside the name.
	wrong(s.ShortDescription == "" || len(s.ShortDescription) > 60 || strings.ContainsAny(s.ShortDescription, "\r\n"), "shortDescription is %q, want up to 60 letters on one line", s.ShortDescription)
	wrong(s.Description == "", "there is no description")
	wrong(!strings.HasPrefix(s.Homepage, "https://"), "homepage is %q", s.Homepage)
	var found []string
	for _, p := range s.Platforms {
		found = append(found, p.String())
		for _, err := range p.faults(s.Version) {
			all = append(all, fmt.Errorf("%s: %w", p, err))
		}
	}
	slices.Sort(found)
	wrong(!slices.Equal(found, platforms), "the platforms are %s, want each of %s once", strings.Join(found, ", "), strings.Join(platforms, ", "))
	return all
}

func (p platform) faults(release string) (all []error) {
	if len(p.Selector.MatchLabels) != 2 {
		all = append(all, errors.New("the selector must name os and arch, and nothing else"))
	}
	if at, err := url.Parse(p.URI); err != nil || at.Scheme != "https" || path.Base(path.Dir(at.Path)) != release {
		all = append(all, fmt.Errorf("uri is %q, want a file of release %s over https", p.URI, release))
	}
	if !sum.MatchString(p.SHA256) {
		all = append(all, fmt.Errorf("sha256 is %q", p.SHA256))
	}
	if want := p.bin(); p.Bin != want {
		all = append(all, fmt.Errorf("bin is %q, want %q", p.Bin, want))
	}
	return all
}

// bin is what the program is called; kubectl finds it by that.
func (p platform) bin() string {
	if p.Selector.MatchLabels["os"] == "windows" {
		return "kubectl-" + pluginName + ".exe"
	}
	return "kubectl-" + pluginName
}
