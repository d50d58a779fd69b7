package clitest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/root"
)

// Answer is what a command did.
type Answer struct {
	Out, Err string
	Code     exit.Code
}

// Run runs the command against a server at that time; columns 0 is a pipe, else a terminal as wide.
func Run(t testing.TB, server string, now time.Time, columns int, env map[string]string, args ...string) Answer {
	t.Helper()
	var errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), ErrOut: &errOut}
	var piped bytes.Buffer
	var program *os.File
	read := func() string { return piped.String() }
	streams.Out = &piped
	if columns > 0 {
		var user *os.File
		program, user = Terminal(t, columns)
		streams.Out = program
		done := make(chan []byte)
		go func() {
			all, _ := io.ReadAll(user) // ends with an error when the program closes its side
			done <- all
		}()
		read = func() string {
			_ = program.Close()
			defer user.Close()
			return strings.ReplaceAll(string(<-done), "\r\n", "\n")
		}
	}
	f := client.New(streams)
	f.Now = func() time.Time { return now }
	f.Getenv = func(key string) string { return env[key] }
	none := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(none, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code := root.MainOf(t.Context(), f, append(args, "--kubeconfig", none, "--server", server))
	return Answer{read(), errOut.String(), code}
}
