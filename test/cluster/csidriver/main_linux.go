// Command csidriver is a CSI driver for tests: a volume is a directory, and a snapshot a copy of one.
//
// It registers itself with the kubelet, and takes no attaching, so the only sidecars that it needs are csi-provisioner and
// csi-snapshotter. Both speak to it through its socket, as the kubelet does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "csidriver: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	name := flag.String("name", "", "name of the driver, as CSIDriver and StorageClasses have it")
	node := flag.String("node", "", "name of the node")
	dir := flag.String("dir", "", "directory of volumes and snapshots")
	endpoint := flag.String("endpoint", "", "socket to serve CSI on")
	registry := flag.String("registry", "", "directory in which the kubelet looks for the sockets of plugins")
	flag.Parse()
	for _, f := range []string{"name", "node", "dir", "endpoint", "registry"} {
		if flag.Lookup(f).Value.String() == "" {
			return fmt.Errorf("--%s is missing", f)
		}
	}
	files, err := newStore(*dir)
	if err != nil {
		return err
	}
	plugin := grpc.NewServer(grpc.UnaryInterceptor(logged))
	csi.RegisterIdentityServer(plugin, &identity{name: *name})
	csi.RegisterControllerServer(plugin, &controller{store: files})
	csi.RegisterNodeServer(plugin, &onNode{name: *node, store: files})
	watched := grpc.NewServer()
	registration.RegisterRegistrationServer(watched, &registrar{name: *name, endpoint: *endpoint})

	failed := make(chan error)
	go func() { failed <- serve(plugin, *endpoint) }()
	go func() { failed <- serve(watched, filepath.Join(*registry, *name+"-reg.sock")) }()
	return <-failed
}

// serve serves on a socket, in place of one that was left behind.
func serve(s *grpc.Server, socket string) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", socket)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// logged says what was asked and how that ended. What comes every second it leaves out.
func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	answer, err := next(ctx, request)
	switch request.(type) {
	case *csi.ProbeRequest, *csi.ControllerGetCapabilitiesRequest, *csi.NodeGetCapabilitiesRequest:
	default:
		fmt.Printf("%s %v: %v\n", info.FullMethod, request, err)
	}
	return answer, err
}
