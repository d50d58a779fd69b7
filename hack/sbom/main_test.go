package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The program of this test is a Go program as good as any.
func TestDescribe(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got, err := describe("v1.2.3", time.Unix(1700000000, 0), []string{program})
	if err != nil {
		t.Fatal(err)
	}
	again, err := describe("v1.2.3", time.Unix(1700000000, 0), []string{program})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("two documents about one program differ: %s", diff)
	}
	if got.CreationInfo.Created != "2023-11-14T22:13:20Z" || !strings.HasPrefix(got.DocumentNamespace, "https://github.com/kymaros/kymaros/spdx/v1.2.3/") {
		t.Errorf("got %+v", got)
	}
	ids := map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, p := range got.Packages {
		if ids[p.SPDXID] {
			t.Errorf("%s is there twice", p.SPDXID)
		}
		ids[p.SPDXID] = true
	}
	for _, r := range got.Relationships {
		if !ids[r.Element] || !ids[r.Related] {
			t.Errorf("%+v leads nowhere", r)
		}
	}
	if own := got.Packages[0]; own.Name != filepath.Base(program) || len(own.Checksums) != 1 || len(own.Checksums[0].Value) != 64 {
		t.Errorf("got %+v", own)
	}
}

func TestModules(t *testing.T) {
	var got []string
	for _, p := range modules(&debug.BuildInfo{GoVersion: "go1.26.1 X:some", Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.0.0"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/c", Version: "v2.0.0"}},
	}}) {
		got = append(got, p.SPDXID+" "+p.ExternalRefs[0].Locator)
	}
	want := []string{
		"SPDXRef-stdlib-1.26.1 pkg:golang/stdlib@1.26.1",
		"SPDXRef-example.com-a-v1.0.0 pkg:golang/example.com/a@v1.0.0",
		"SPDXRef-example.com-c-v2.0.0 pkg:golang/example.com/c@v2.0.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"no program": nil, "a file that is no Go program": {text}, "a file that is not there": {text + "-too"}} {
		if _, err := describe("v1.2.3", time.Unix(0, 0), args); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
