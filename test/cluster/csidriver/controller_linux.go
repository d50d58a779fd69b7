package main

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// controller makes and deletes volumes and snapshots, one at a time: of two requests for one name the second finds what the first
// has made.
type controller struct {
	csi.UnimplementedControllerServer
	mu    sync.Mutex
	store store
}

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, t := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME, csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS, csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: t}}})
	}
	return answer, nil
}

func (c *controller) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := entry{ID: "vol-" + r.Name, Bytes: r.GetCapacityRange().GetRequiredBytes(), Created: time.Now()}
	if have, err := c.store.get(volumes, e.ID); err == nil {
		e = have
	} else if from, err := c.source(r.VolumeContentSource); err != nil {
		return nil, err
	} else if err := c.store.put(volumes, e, from); err != nil {
		return nil, asStatus(err)
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{VolumeId: e.ID, CapacityBytes: e.Bytes, ContentSource: r.VolumeContentSource}}, nil
}

// source is the directory to make a volume of, "" for an empty one.
func (c *controller) source(s *csi.VolumeContentSource) (string, error) {
	k, id := volumes, s.GetVolume().GetVolumeId()
	if snapshot := s.GetSnapshot(); snapshot != nil {
		k, id = snapshots, snapshot.SnapshotId
	}
	if id == "" {
		return "", nil
	}
	if _, err := c.store.get(k, id); err != nil {
		return "", asStatus(err)
	}
	return c.store.path(k, id), nil
}

func (c *controller) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &csi.DeleteVolumeResponse{}, asStatus(c.store.remove(volumes, r.VolumeId))
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: r.VolumeCapabilities}}, nil
}

func (c *controller) CreateSnapshot(_ context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := entry{ID: "snap-" + r.Name, Source: r.SourceVolumeId, Created: time.Now()}
	if have, err := c.store.get(snapshots, e.ID); err == nil {
		return &csi.CreateSnapshotResponse{Snapshot: snapshotOf(have)}, nil
	}
	volume, err := c.store.get(volumes, r.SourceVolumeId)
	if err == nil {
		e.Bytes = volume.Bytes
		err = c.store.put(snapshots, e, c.store.path(volumes, volume.ID))
	}
	return &csi.CreateSnapshotResponse{Snapshot: snapshotOf(e)}, asStatus(err)
}

func (c *controller) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &csi.DeleteSnapshotResponse{}, asStatus(c.store.remove(snapshots, r.SnapshotId))
}

// ListSnapshots lists those that are asked for, in one page.
func (c *controller) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.store.list(snapshots)
	answer := &csi.ListSnapshotsResponse{}
	for _, e := range all {
		if (r.SnapshotId == "" || r.SnapshotId == e.ID) && (r.SourceVolumeId == "" || r.SourceVolumeId == e.Source) {
			answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: snapshotOf(e)})
		}
	}
	return answer, asStatus(err)
}

func snapshotOf(e entry) *csi.Snapshot {
	return &csi.Snapshot{SnapshotId: e.ID, SourceVolumeId: e.Source, SizeBytes: e.Bytes, CreationTime: timestamppb.New(e.Created), ReadyToUse: true}
}

// asStatus is err as sidecars understand it: they give up what is not there, and try again what failed.
func asStatus(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return status.Error(codes.NotFound, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}
