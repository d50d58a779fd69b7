// Command sbom prints an SPDX 2.3 document about Go programs: what each was built of, as the programs themselves tell it.
// It needs no network, and the same programs give the same document.
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

type document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creationInfo   `json:"creationInfo"`
	Packages          []pkg          `json:"packages"`
	Relationships     []relationship `json:"relationships"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type pkg struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	VersionInfo      string        `json:"versionInfo,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	CopyrightText    string        `json:"copyrightText"`
	Purpose          string        `json:"primaryPackagePurpose,omitempty"`
	Checksums        []checksum    `json:"checksums,omitempty"`
	ExternalRefs     []externalRef `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type externalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

func main() {
	version := flag.String("version", "", "version of the product")
	created := flag.Int64("created", 0, "when the sources were committed, in seconds since 1970")
	flag.Parse()
	doc, err := describe(*version, time.Unix(*created, 0), flag.Args())
	if err == nil {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(doc)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

// describe returns the document about programs. It fails on one that tells nothing of itself.
func describe(version string, created time.Time, programs []string) (*document, error) {
	if version == "" || len(programs) == 0 {
		return nil, fmt.Errorf("usage: sbom -version VERSION -created SECONDS PROGRAM [PROGRAM]")
	}
	doc := &document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: "kymaros-" + version,
		CreationInfo: creationInfo{Created: created.UTC().Format(time.RFC3339), Creators: []string{"Tool: kymaros-hack-sbom"}},
	}
	sums := sha256.New()
	known := map[string]pkg{}
	slices.SortFunc(programs, func(a, b string) int { return cmp.Compare(filepath.Base(a), filepath.Base(b)) })
	for _, path := range programs {
		body, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		sums.Write(sum[:])
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		program := describePackage(filepath.Base(path), version, "APPLICATION", "")
		program.LicenseDeclared = "Apache-2.0"
		program.Checksums = []checksum{{"SHA256", hex.EncodeToString(sum[:])}}
		doc.Packages = append(doc.Packages, program)
		doc.Relationships = append(doc.Relationships, relationship{doc.SPDXID, "DESCRIBES", program.SPDXID})
		for _, m := range modules(info) {
			known[m.SPDXID] = m
			doc.Relationships = append(doc.Relationships, relationship{program.SPDXID, "STATICALLY_LINKED_TO", m.SPDXID})
		}
	}
	ids := make([]string, 0, len(known))
	for id := range known {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		doc.Packages = append(doc.Packages, known[id])
	}
	doc.DocumentNamespace = "https://github.com/kymaros/kymaros/spdx/" + version + "/" + hex.EncodeToString(sums.Sum(nil))[:32]
	return doc, nil
}

// modules are what a program was built of: its modules, replaced ones by what replaced them, and the standard library.
func modules(info *debug.BuildInfo) []pkg {
	goVersion := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
	all := []pkg{describePackage("stdlib", goVersion, "LIBRARY", "pkg:golang/stdlib@"+goVersion)}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, describePackage(m.Path, m.Version, "LIBRARY", "pkg:golang/"+m.Path+"@"+m.Version))
	}
	return all
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func describePackage(name, version, purpose, purl string) pkg {
	p := pkg{
		SPDXID: "SPDXRef-" + notInID.ReplaceAllString(name+"-"+version, "-"), Name: name, VersionInfo: version,
		DownloadLocation: "NOASSERTION", LicenseConcluded: "NOASSERTION", LicenseDeclared: "NOASSERTION", CopyrightText: "NOASSERTION",
		Purpose: purpose,
	}
	if purl != "" {
		p.ExternalRefs = []externalRef{{"PACKAGE-MANAGER", "purl", purl}}
	}
	return p
}
