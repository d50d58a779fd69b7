package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// onNode mounts the directories of volumes where the kubelet wants them for pods.
type onNode struct {
	csi.UnimplementedNodeServer
	name  string
	store store
}

func (n *onNode) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name}, nil
}

func (n *onNode) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (n *onNode) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if r.GetVolumeCapability().GetBlock() != nil {
		return nil, status.Error(codes.InvalidArgument, "there are no block volumes")
	}
	if _, err := n.store.get(volumes, r.VolumeId); err != nil {
		return nil, asStatus(err)
	}
	if err := os.MkdirAll(r.TargetPath, 0o750); err != nil {
		return nil, asStatus(err)
	}
	there, err := mounted(r.TargetPath)
	if err != nil || there {
		return &csi.NodePublishVolumeResponse{}, asStatus(err)
	}
	if err := unix.Mount(n.store.path(volumes, r.VolumeId), r.TargetPath, "", unix.MS_BIND, ""); err != nil {
		return nil, asStatus(err)
	}
	if r.Readonly { // the kernel takes that for a bind mount only when it is there
		err = unix.Mount("", r.TargetPath, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return &csi.NodePublishVolumeResponse{}, asStatus(err)
}

func (n *onNode) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	there, err := mounted(r.TargetPath)
	if err == nil && there {
		err = unix.Unmount(r.TargetPath, 0)
	}
	if err != nil {
		return nil, asStatus(err)
	}
	if err := os.Remove(r.TargetPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, asStatus(err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// mounted tells whether something is mounted at path.
func mounted(path string) (bool, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	return isMounted(string(content), path), err
}

// isMounted looks that up in the fifth field of lines as /proc/PID/mountinfo has them.
func isMounted(mountinfo, path string) bool {
	for line := range strings.Lines(mountinfo) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == path {
			return true
		}
	}
	return false
}
