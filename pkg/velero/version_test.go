package velero

import "testing"

func TestTheTagOfAnImageIsTheVersion(t *testing.T) {
	for image, want := range map[string]string{
		"velero/velero:v1.18.3":                                         "1.18.3",
		"docker.io/velero/velero:v1.15.2":                               "1.15.2",
		"mirror.example:5000/velero/velero:v1.16.1":                     "1.16.1",
		"bitnami/velero:1.16.1-debian-12-r3":                            "1.16.1-debian-12-r3",
		"quay.io/konveyor/velero:v1.16.1-OADP":                          "1.16.1-OADP",
		"velero/velero:v1.18.2@sha256:0123456789abcdef":                 "1.18.2",
		"registry.redhat.io/oadp/oadp-velero-rhel9@sha256:0123456789ab": "",
		"mirror.example:5000/velero/velero":                             "",
		"velero/velero:latest":                                          "",
		"velero/velero:v1.18":                                           "",
		"velero/velero:oadp-1.4":                                        "",
		"velero":                                                        "",
		"":                                                              "",
	} {
		got := ""
		if v := VersionOf(image); v != nil {
			got = v.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", image, got, want)
		}
	}
}

func TestWhatAVersionOfVeleroDoesOtherwise(t *testing.T) {
	type does struct{ tooOld, losesSnapshots, leavesContentsOut, fillsOnlyWithVolumes, cancelsFiles bool }
	for tag, want := range map[string]does{
		"":                     {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.9.7":               {tooOld: true, fillsOnlyWithVolumes: true},
		"v1.14.1":              {tooOld: true, fillsOnlyWithVolumes: true},
		"v1.14.1-OADP":         {tooOld: true, leavesContentsOut: true, fillsOnlyWithVolumes: true},
		"v1.15.0-rc.1":         {leavesContentsOut: true, fillsOnlyWithVolumes: true},
		"v1.15.0":              {fillsOnlyWithVolumes: true},
		"v1.15.2":              {fillsOnlyWithVolumes: true},
		"v1.16.0":              {losesSnapshots: true, leavesContentsOut: true, fillsOnlyWithVolumes: true},
		"v1.16.0-OADP":         {losesSnapshots: true, leavesContentsOut: true, fillsOnlyWithVolumes: true},
		"v1.16.1":              {leavesContentsOut: true, fillsOnlyWithVolumes: true},
		"v1.17.0-rc.1":         {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.17.2":              {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.18.0":              {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.18.2":              {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.18.3-rc.1":         {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.18.3":              {cancelsFiles: true},
		"1.18.3-debian-12-r0":  {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
		"v1.19.0":              {cancelsFiles: true},
		"v2.0.0":               {cancelsFiles: true},
		"not-a-version-at-all": {leavesContentsOut: true, fillsOnlyWithVolumes: true, cancelsFiles: true},
	} {
		v := VersionOf("velero/velero:" + tag)
		if got := (does{TooOld(v), LosesSnapshots(v), LeavesContentsOut(v), FillsOnlyWithVolumes(v), CancelsFiles(v)}); got != want {
			t.Errorf("%q: got %+v, want %+v", tag, got, want)
		}
	}
}
