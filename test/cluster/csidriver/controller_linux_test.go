package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func newController(t *testing.T) *controller {
	t.Helper()
	files, err := newStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &controller{store: files}
}

func (c *controller) volume(t *testing.T, name string, source *csi.VolumeContentSource) string {
	t.Helper()
	answer, err := c.CreateVolume(t.Context(), &csi.CreateVolumeRequest{Name: name, VolumeContentSource: source, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Volume.CapacityBytes != 1<<20 {
		t.Errorf("volume %s has %d bytes", name, answer.Volume.CapacityBytes)
	}
	return answer.Volume.VolumeId
}

func (c *controller) snapshot(t *testing.T, name, volume string) string {
	t.Helper()
	answer, err := c.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: name, SourceVolumeId: volume})
	if err != nil {
		t.Fatal(err)
	}
	if s := answer.Snapshot; !s.ReadyToUse || s.SourceVolumeId != volume || s.SizeBytes != 1<<20 || !s.CreationTime.IsValid() {
		t.Errorf("snapshot %+v", s)
	}
	return answer.Snapshot.SnapshotId
}

func ofSnapshot(id string) *csi.VolumeContentSource {
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: id}}}
}

func ofVolume(id string) *csi.VolumeContentSource {
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: id}}}
}

func (c *controller) write(t *testing.T, volume, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.store.path(volumes, volume), "file"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds fails t unless the volume has a file with that text, which nobody but its owner may read.
func (c *controller) holds(t *testing.T, volume, want string) {
	t.Helper()
	file := filepath.Join(c.store.path(volumes, volume), "file")
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("volume %s holds %q, %v; want %q", volume, got, err, want)
	}
	if info, err := os.Stat(file); err == nil && info.Mode() != 0o600 {
		t.Errorf("mode of a copy: %v", info.Mode())
	}
}

func TestASnapshotStaysAsTheVolumeWas(t *testing.T) {
	c := newController(t)
	production := c.volume(t, "production", nil)
	c.write(t, production, "then")
	id := c.snapshot(t, "nightly", production)
	c.write(t, production, "now")

	restored := c.volume(t, "restored", ofSnapshot(id))
	c.holds(t, restored, "then")
	c.write(t, restored, "test")
	c.holds(t, production, "now")
	c.holds(t, c.volume(t, "again", ofSnapshot(id)), "then")
	c.holds(t, c.volume(t, "clone", ofVolume(production)), "now")
}

func TestWhoAsksAgainGetsWhatIsThere(t *testing.T) {
	c := newController(t)
	id := c.volume(t, "a", nil)
	c.write(t, id, "data")
	if again := c.volume(t, "a", nil); again != id {
		t.Errorf("the second volume of that name is %s, not %s", again, id)
	}
	c.holds(t, id, "data")
	first := c.snapshot(t, "s", id)
	c.write(t, id, "later")
	if again := c.snapshot(t, "s", id); again != first {
		t.Errorf("the second snapshot of that name is %s, not %s", again, first)
	}
	c.holds(t, c.volume(t, "b", ofSnapshot(first)), "data")
}

func TestWhatIsDeletedIsGone(t *testing.T) {
	c := newController(t)
	volume := c.volume(t, "a", nil)
	id := c.snapshot(t, "s", volume)
	for range 2 { // the second finds nothing, and that is no error
		if _, err := c.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: volume}); err != nil {
			t.Fatal(err)
		}
	}
	c.volume(t, "b", ofSnapshot(id)) // a snapshot outlives its volume
	if _, err := c.DeleteSnapshot(t.Context(), &csi.DeleteSnapshotRequest{SnapshotId: id}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"volumes/*a*", "snapshots/*"} {
		if left, err := filepath.Glob(filepath.Join(c.store.dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func TestAVolumeOfWhatIsNotThereIsNotFound(t *testing.T) {
	c := newController(t)
	gone := c.snapshot(t, "s", c.volume(t, "a", nil))
	if err := c.store.remove(snapshots, gone); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]*csi.VolumeContentSource{"snapshot": ofSnapshot(gone), "volume": ofVolume("vol-none")} {
		_, err := c.CreateVolume(t.Context(), &csi.CreateVolumeRequest{Name: "of-" + name, VolumeContentSource: source})
		if status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "t", SourceVolumeId: "vol-none"}); status.Code(err) != codes.NotFound {
		t.Errorf("a snapshot of a volume that is not there: %v", err)
	}
}

func TestSnapshotsAreListedByIDAndByVolume(t *testing.T) {
	c := newController(t)
	a, b := c.volume(t, "a", nil), c.volume(t, "b", nil)
	one, two, three := c.snapshot(t, "1", a), c.snapshot(t, "2", a), c.snapshot(t, "3", b)
	for name, test := range map[string]struct {
		ask  *csi.ListSnapshotsRequest
		want []string
	}{
		"all":                 {&csi.ListSnapshotsRequest{}, []string{one, two, three}},
		"one":                 {&csi.ListSnapshotsRequest{SnapshotId: two}, []string{two}},
		"of a volume":         {&csi.ListSnapshotsRequest{SourceVolumeId: a}, []string{one, two}},
		"one of another":      {&csi.ListSnapshotsRequest{SourceVolumeId: b, SnapshotId: one}, nil},
		"one that never was":  {&csi.ListSnapshotsRequest{SnapshotId: "snap-none"}, nil},
		"one by another kind": {&csi.ListSnapshotsRequest{SnapshotId: a}, nil},
	} {
		answer, err := c.ListSnapshots(t.Context(), test.ask)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range answer.Entries {
			got = append(got, e.Snapshot.SnapshotId)
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestAnIDNamesNothingOutsideOfItsKind(t *testing.T) {
	c := newController(t)
	volume := c.volume(t, "a", nil)
	c.write(t, volume, "data")
	for _, id := range []string{"", ".", "..", "../volumes", "../volumes/_" + volume, "/etc"} {
		if _, err := c.DeleteSnapshot(t.Context(), &csi.DeleteSnapshotRequest{SnapshotId: id}); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	c.holds(t, volume, "data")
}

func TestOnlyAMountAtThatVeryPathCounts(t *testing.T) {
	const mountinfo = "36 35 98:0 / /var/lib/kubelet rw - ext4 /dev/sda rw\n37 35 98:0 /v /var/lib/kubelet/pods/a/mount rw - ext4 /dev/sda rw\n"
	for path, want := range map[string]bool{"/var/lib/kubelet/pods/a/mount": true, "/var/lib/kubelet/pods/a": false, "/v": false, "rw": false} {
		if got := isMounted(mountinfo, path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
