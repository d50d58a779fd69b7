// Package verify tells whether reports are what Kymaros wrote, and whether all are there.
package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/stored"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/evidence"
)

const long = `Verifies the chain of the reports of tests: by names, of a namespace, or of all (-A), or offline those of a directory
that export wrote (--from). It finds reports that were edited, deleted, moved or put back, and says what it does not prove.
Signatures are checked with the public keys of ConfigMap kymaros-evidence-keys, or of --key: keys from elsewhere prove more.
--head is the newest number and digest that left the cluster, as a notification or another export has it.
Exit codes: 0 intact, 1 reports were tampered with, 2 no chain, an unknown key, or unsigned with --signed, 3 could not tell
(no connection, no right, timeout, usage).`

// flags are what the user typed.
type flags struct {
	scope  client.Scope
	output client.Output
	from   string
	keys   []string
	head   string
	signed bool
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var o flags
	cmd := client.Command("verify [TEST...]", "Tell whether reports were edited or deleted since they were written", long,
		"list restoretests and restorereports there, and get configmaps in the namespace of Kymaros",
		`  kubectl kymaros verify shop
  # with a head from a message, and a key from a safe
  kubectl kymaros verify shop --head 212:9c1e4f6ab0d2 --key pub.pem
  # what was exported, without a cluster
  kubectl kymaros verify --from evidence/`)
	o.scope.AddFlags(cmd.Flags())
	o.output.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.from, "from", "", "a `DIRECTORY` that export wrote, instead of the cluster")
	cmd.Flags().StringSliceVar(&o.keys, "key", nil, "`FILE` with public keys in PEM; may be given several times")
	cmd.Flags().StringVar(&o.head, "head", "", "`NUMBER:DIGEST` of the newest report of the one TEST that is known from elsewhere; 12 digits of the digest do")
	cmd.Flags().BoolVar(&o.signed, "signed", false, "end with 2 unless all reports are signed")
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		outside, err := o.validate(args)
		if err != nil {
			return err
		}
		chains, foreign, why, err := o.read(cmd.Context(), f, args)
		if err != nil {
			return err
		}
		heads := map[stored.Key]evidence.Head{}
		if o.head != "" {
			key := stored.Key{Test: args[0]}
			if key.Namespace, err = f.Namespace(); err != nil {
				return err
			}
			heads[key] = outside
		}
		results, err := only(chains.Verify(heads), args)
		if err != nil {
			return err
		}
		if len(results) == 0 {
			return errors.New("there is no report and no test to verify: `kubectl kymaros get -A` lists the tests")
		}
		return o.print(f, results, foreign, why)
	}
	return cmd
}

var head = regexp.MustCompile(`^#?([1-9][0-9]{0,15}):(?:sha256:)?([0-9a-f]{12,64})$`)

// validate returns the head from outside.
func (o *flags) validate(args []string) (evidence.Head, error) {
	if err := o.output.Validate(); err != nil {
		return evidence.Head{}, err
	}
	if o.head == "" {
		return evidence.Head{}, nil
	}
	if len(args) != 1 || o.scope.All {
		return evidence.Head{}, errors.New("--head is of one test: give its name")
	}
	parts := head.FindStringSubmatch(o.head)
	if parts == nil {
		return evidence.Head{}, fmt.Errorf("--head: %q is not NUMBER:DIGEST, such as 212:9c1e4f6ab0d2, with at least 12 digits of the digest", o.head)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	return evidence.Head{Sequence: n, Digest: v1alpha1.Digest("sha256:" + parts[2])}, err
}

// read collects the chains, and says why no key is known if so.
func (o *flags) read(ctx context.Context, f *client.Factory, args []string) (chains *stored.Chains, foreign int, why string, err error) {
	if o.from != "" {
		chains, err = o.offline()
		return chains, 0, "", err
	}
	clients, err := f.Clients()
	if err != nil {
		return nil, 0, "", err
	}
	namespace, err := o.scope.Namespace(f)
	if err != nil {
		return nil, 0, "", err
	}
	keys, why, err := stored.Keys(ctx, clients, f.System, o.keys)
	if err != nil {
		return nil, 0, "", err
	}
	chains = stored.NewChains(keys)
	// Heads before reports: a run that ends meanwhile has a report more than the head, not one less.
	tests, err := clients.Tests(ctx, namespace, "")
	if err != nil {
		return nil, 0, "", err
	}
	for _, rt := range tests {
		chains.Head(stored.HeadOf(rt))
	}
	of := args
	if len(of) == 0 {
		of = []string{""}
	}
	for _, test := range of {
		n, err := stored.Each(ctx, clients, namespace, test, chains.Check, chains.Add)
		if err != nil {
			return nil, 0, "", err
		}
		foreign += n
	}
	return chains, foreign, why, nil
}

// offline reads a directory.
func (o *flags) offline() (*stored.Chains, error) {
	keys, err := stored.KeysIn(o.from)
	if err == nil && len(o.keys) > 0 {
		keys, err = stored.KeysOf(o.keys)
	}
	if err != nil {
		return nil, err
	}
	chains := stored.NewChains(keys)
	heads, err := stored.HeadsIn(o.from)
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		chains.Head(h)
	}
	return chains, stored.EachIn(o.from, stored.All, chains.Check, chains.Add)
}

// only returns the results of the named tests; all without names.
func only(results []evidence.Result, names []string) ([]evidence.Result, error) {
	if len(names) == 0 {
		return results, nil
	}
	some := slices.DeleteFunc(results, func(r evidence.Result) bool { return !slices.Contains(names, r.Test) })
	for _, name := range names {
		if !slices.ContainsFunc(some, func(r evidence.Result) bool { return r.Test == name }) {
			return nil, fmt.Errorf("there is no report and no head of a test %s: `kubectl kymaros get -A` lists the tests", name)
		}
	}
	return some, nil
}

// Code returns the exit code of a result.
func Code(r *evidence.Result, signed bool) exit.Code {
	switch {
	case r.Tampered():
		return exit.Bad
	case !r.Intact(), signed && r.Signed < r.Records:
		return exit.Doubtful
	}
	return exit.Verified
}

var signs = map[exit.Code]term.Cell{
	exit.Verified: term.C("✔", term.Green), exit.Bad: term.C("✖", term.Red), exit.Doubtful: term.C("◐", term.Yellow),
}

func (o *flags) print(f *client.Factory, results []evidence.Result, foreign int, why string) error {
	var codes []exit.Code
	for i := range results {
		codes = append(codes, Code(&results[i], o.signed))
	}
	worst := exit.For(exit.Worst(codes...))
	if o.output.Format != "" {
		if err := f.Data(o.output.Format, results); err != nil {
			return err
		}
		return worst
	}
	out, err := f.Out()
	if err != nil {
		return err
	}
	notProven := map[string]int{}
	var order []string
	for i := range results {
		r, sign := &results[i], signs[codes[i]]
		out.Text(sign.Style, out.Paint(sign.Style, sign.Text)+" ", "%s/%s: %s", r.Namespace, r.Test, r)
		if r.Digest != "" {
			out.Text(term.Dim, "  ", "newest: #%d %s", r.To, r.Digest)
		}
		for _, text := range r.NotProven {
			if notProven[text]++; notProven[text] == 1 {
				order = append(order, text)
			}
		}
	}
	if why != "" {
		out.Text(term.Plain, "", "No public key is known: %s.", strings.TrimSuffix(why, "."))
	}
	if foreign > 0 {
		out.Text(term.Yellow, "", "%d reports were not written by Kymaros, or changed by somebody else: they are no evidence. Find out who made them.", foreign)
	}
	if len(order) > 0 {
		out.Text(term.Plain, "", "Not proven:")
	}
	for _, text := range order {
		if n := notProven[text]; n > 1 {
			text += fmt.Sprintf(" (%d tests)", n)
		}
		out.Text(term.Plain, "  - ", "%s", text)
	}
	return worst
}
