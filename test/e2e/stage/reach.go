package stage

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// dial tries to fetch a page from each address, all at once, and tells for each whether there was an answer. The last is
// the pod itself: without an answer from there, dialling does not work at all.
const dial = `for address in "$@" 127.0.0.1:8080; do
  (if timeout 3 wget -q -O /dev/null "http://$address/"; then echo "$address yes"; else echo "$address no"; fi) &
done
wait`

// reach dials every address of want from a web server's pod. It tells which answered and should not have, and which did not and
// should have.
func (c *Cluster) reach(ctx context.Context, namespace, pod string, want map[string]bool) (leaks, silent []string, err error) {
	command := []string{"sh", "-c", dial, "dial"}
	for address := range want {
		command = append(command, address)
	}
	out, err := c.Exec(ctx, namespace, pod, command...)
	if err != nil {
		return nil, nil, err
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		address, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[address] = answer
	}
	if got["127.0.0.1:8080"] != "yes" {
		return nil, nil, fmt.Errorf("%s/%s cannot dial at all: %s", namespace, pod, out)
	}
	for address, wanted := range want {
		switch answer := got[address]; {
		case answer == "yes" && !wanted:
			leaks = append(leaks, address)
		case answer == "no" && wanted:
			silent = append(silent, address)
		case answer != "yes" && answer != "no":
			return nil, nil, fmt.Errorf("%s/%s did not dial %s: %s", namespace, pod, address, out)
		}
	}
	return leaks, silent, nil
}

// Isolated returns an error unless exactly those addresses of want that are true answer a web server's pod. One that must not
// answer may not do so even once; one that must may need a moment on a busy machine: the policy agent learns of a new pod a
// little later.
func (c *Cluster) Isolated(ctx context.Context, namespace, pod string, want map[string]bool) error {
	var leaks []string
	err := Poll(ctx, 30*time.Second, func(ctx context.Context) error {
		leaked, silent, err := c.reach(ctx, namespace, pod, want)
		if leaks = leaked; err != nil || len(leaks) > 0 || len(silent) == 0 {
			return err
		}
		return fmt.Errorf("from %s/%s there is no answer from %v", namespace, pod, silent)
	})
	if len(leaks) > 0 {
		return fmt.Errorf("from %s/%s there are answers from %v", namespace, pod, leaks)
	}
	return err
}
