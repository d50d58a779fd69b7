// Package serve shows the dashboard on this machine, with the user's own rights.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/dashboard"
	"github.com/kymaros/kymaros/pkg/server"
)

// drainFor is how long requests under way may take at the end.
const drainFor = 3 * time.Second

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var port uint16
	cmd := client.Command("dashboard", "Show the dashboard on this machine, with your own rights",
		`Serves the dashboard on the loopback address of this machine until Ctrl-C, and prints its address, which holds a secret: whoever has it
acts with your rights, so keep it to yourself. What you see, and all that you do there, is asked for with this kubeconfig; nothing
else has to be installed, and no token made.
It shows all namespaces, or that of -n; if you may not see them all, that of the context.`,
		"list, watch and get restoretests, restorereports and healthcheckpolicies, everywhere or in one namespace; what you may not do besides, the dashboard does not do either",
		`  kubectl kymaros dashboard
  # one namespace, always at the same port
  kubectl kymaros dashboard -n team-web --port 8080`)
	cmd.Flags().Uint16Var(&port, "port", 0, "`PORT` of this machine; 0 takes one that is free")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		ctx := klog.NewContext(cmd.Context(), klog.New(failures{f.IOStreams.ErrOut}))
		self, err := who(ctx, f, clients)
		if err != nil {
			return err
		}
		handler, err := handlerOf(f, clients, self)
		if err != nil {
			return err
		}
		return serve(ctx, f, port, handler, self)
	}
	return cmd
}

// who returns whose the kubeconfig is, and what they can be shown.
func who(ctx context.Context, f *client.Factory, c client.Clients) (*server.Self, error) {
	self := &server.Self{Namespace: *f.Config.Namespace, Clients: server.Clients{Kymaros: c.Kymaros, Core: c.Kube.CoreV1()}}
	err := visible(ctx, c, self.Namespace)
	if apierrors.IsForbidden(err) && self.Namespace == "" {
		if self.Namespace, err = f.Namespace(); err != nil {
			return nil, err
		}
		err = visible(ctx, c, self.Namespace)
	}
	if err != nil {
		return nil, err
	}
	review, err := c.Kube.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	switch {
	case err == nil:
		self.User = review.Status.UserInfo
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err): // it is for show only
	default:
		return nil, err
	}
	self.User.Username = cmp.Or(self.User.Username, "you")
	return self, nil
}

// visible returns an error if something that is shown cannot be listed in the namespace, "" for all: its list would never come.
func visible(ctx context.Context, c client.Clients, namespace string) error {
	one, api := metav1.ListOptions{Limit: 1}, c.Kymaros.RestoreV1alpha1()
	_, err := api.RestoreTests(namespace).List(ctx, one)
	if err == nil {
		_, err = api.RestoreReports(namespace).List(ctx, one)
	}
	if err == nil {
		_, err = api.HealthCheckPolicies(namespace).List(ctx, one)
	}
	return err
}

func handlerOf(f *client.Factory, c client.Clients, self *server.Self) (*server.Server, error) {
	pages, err := dashboard.New()
	if err != nil {
		return nil, err
	}
	return server.New(server.Options{
		Kube: c.Kube, Client: c.Kymaros, Self: self, Pages: pages.Serve, VeleroNamespace: f.Velero,
		Version: version.Get().GitVersion, Namespace: cmp.Or(self.Namespace, f.System),
	})
}

// serve serves until ctx ends.
func serve(ctx context.Context, f *client.Factory, port uint16, handler *server.Server, self *server.Self) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return fmt.Errorf("--port: %w: give another, or none for one that is free", err)
	}
	defer listener.Close()
	// What is shown outlives the requests that are under way.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	ran := make(chan struct{})
	go func() { defer close(ran); handler.Run(background) }()
	defer func() { stop(); <-ran }()
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) { return handler.Ready(), nil })
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	_, actual, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	g := newGuard(actual, handler)
	s := &http.Server{
		Handler: g, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		BaseContext: func(net.Listener) context.Context { return background },
	}
	s.RegisterOnShutdown(handler.Close) // streams are requests that never end
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	shown := "all namespaces"
	if self.Namespace != "" {
		shown = "namespace " + self.Namespace
	}
	_, _ = fmt.Fprintf(f.IOStreams.ErrOut, "The dashboard of %s, with the rights of %s. Open the address below, and tell it to nobody. Ctrl-C ends it.\n", shown, self.User.Username)
	_, _ = fmt.Fprintf(f.IOStreams.Out, "http://%s%s\n", address, g.secret)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(background, drainFor)
	defer cancel()
	if err := s.Shutdown(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.Close()
}
