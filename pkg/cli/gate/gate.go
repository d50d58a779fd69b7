// Package gate tells a pipeline whether tests are verified: one line each, and the exit code. It starts no run.
package gate

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// Policy is what a pipeline asks for.
type Policy struct {
	// MaxAge is how long ago the run may have begun that passed; 0 accepts any.
	MaxAge time.Duration
	// MinScore is the least score; 0 accepts any that passed.
	MinScore int32
}

// Answer is what the gate says of a test.
type Answer struct {
	Namespace string    `json:"namespace"`
	Test      string    `json:"test"`
	Code      exit.Code `json:"code"`
	Text      string    `json:"text"`
}

// Judge tells whether a test is verified. A run that showed nothing does not undo a proof before it that is young enough.
func Judge(rt *v1alpha1.RestoreTest, p Policy, now time.Time) Answer {
	s := &rt.Status
	a := Answer{Namespace: rt.Namespace, Test: rt.Name}
	say := func(code exit.Code, format string, args ...any) Answer {
		a.Code, a.Text = code, fmt.Sprintf(format, args...)
		return a
	}
	switch s.LastResult {
	case v1alpha1.ResultFail:
		if good := s.LastVerified; good != nil {
			return say(exit.Bad, "the backup does not restore (report %s); the newest that did is %s", s.LastReportRef, good.BackupName)
		}
		return say(exit.Bad, "the backup does not restore (report %s), and none ever did", s.LastReportRef)
	case v1alpha1.ResultPartial:
		return say(exit.Doubtful, "only part of the backup was shown to restore (report %s)", s.LastReportRef)
	case v1alpha1.ResultPass, v1alpha1.ResultInconclusive:
	default:
		return say(exit.Doubtful, "it was never tested")
	}
	verified := s.LastVerified
	switch {
	case verified == nil && s.LastResult == v1alpha1.ResultInconclusive:
		return say(exit.Unknown, "the last run showed nothing (report %s), and none before passed", s.LastReportRef)
	case verified == nil:
		return say(exit.Unknown, "the last run passed, and the status does not say which backup")
	case s.LastResult == v1alpha1.ResultInconclusive && p.MaxAge == 0:
		return say(exit.Unknown, "the last run showed nothing (report %s); backup %s passed %s (--max-age accepts that)", s.LastReportRef, verified.BackupName, show.Ago(verified.Time.Time, now))
	case p.MaxAge > 0 && now.Sub(verified.Time.Time) > p.MaxAge:
		return say(exit.Doubtful, "stale: backup %s passed %s, and --max-age is %s", verified.BackupName, show.Ago(verified.Time.Time, now), p.MaxAge)
	case p.MinScore > 0 && s.LastResult == v1alpha1.ResultPass && (s.LastScore == nil || *s.LastScore < p.MinScore):
		return say(exit.Doubtful, "the score is %s, and --min-score is %d (report %s)", scoreOf(s), p.MinScore, s.LastReportRef)
	case s.LastResult == v1alpha1.ResultInconclusive:
		return say(exit.Verified, "backup %s passed %s; a run since showed nothing (report %s)", verified.BackupName, show.Ago(verified.Time.Time, now), s.LastReportRef)
	}
	return say(exit.Verified, "backup %s passed %s, score %s", verified.BackupName, show.Ago(verified.Time.Time, now), scoreOf(s))
}

func scoreOf(s *v1alpha1.RestoreTestStatus) string {
	if s.LastScore == nil {
		return "not known"
	}
	return fmt.Sprint(*s.LastScore)
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var scope client.Scope
	var selector string
	var p Policy
	cmd := client.Command("gate TEST... | gate -l SELECTOR", "Tell a pipeline whether tests are verified, without a run",
		`Says of each test in one line whether its backup is verified, by its last results. It starts no run. The exit code is that of the worst.
A run that was inconclusive does not undo a proof that is younger than --max-age.
`+exit.Meaning,
		"get restoretests, and list them with -l or -A",
		`  # before a migration: is there a backup that restores, proven in the last day?
  kubectl kymaros gate shop --max-age 24h && ./migrate.sh
  kubectl kymaros gate -A -l tier=gold --max-age 48h --min-score 95`)
	output.AddFlags(cmd.Flags())
	scope.AddFlags(cmd.Flags())
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "tests with these labels")
	cmd.Flags().DurationVar(&p.MaxAge, "max-age", 0, "how long ago the run may have begun that passed, for example 24h; the default accepts any")
	cmd.Flags().Int32Var(&p.MinScore, "min-score", 0, "the least score, 0 to 100")
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		switch {
		case len(args) == 0 && selector == "" && !scope.All:
			return errors.New("name the tests, or give -l SELECTOR or -A")
		case len(args) > 0 && (selector != "" || scope.All):
			return errors.New("give either names, or -l and -A")
		case p.MaxAge < 0 || p.MinScore < 0 || p.MinScore > 100:
			return errors.New("--max-age must not be negative, and --min-score is 0 to 100")
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		namespace, err := scope.Namespace(f)
		if err != nil {
			return err
		}
		tests, err := clients.Tests(cmd.Context(), namespace, selector, args...)
		if err != nil {
			return err
		}
		if len(tests) == 0 {
			return errors.New("there is no such test, and a gate that asks nothing would let everything pass: `kubectl kymaros get -A` lists the tests")
		}
		return print(f, output, tests, p)
	}
	return cmd
}

func print(f *client.Factory, output client.Output, tests []*v1alpha1.RestoreTest, p Policy) error {
	answers := make([]Answer, 0, len(tests))
	codes := make([]exit.Code, 0, len(tests))
	for _, rt := range tests {
		a := Judge(rt, p, f.Now())
		answers, codes = append(answers, a), append(codes, a.Code)
	}
	if output.Format != "" {
		if err := f.Data(output.Format, answers); err != nil {
			return err
		}
		return exit.For(exit.Worst(codes...))
	}
	o, err := f.Out()
	if err != nil {
		return err
	}
	for _, a := range answers {
		sign := signs[a.Code]
		o.Text(sign.Style, o.Paint(sign.Style, sign.Text)+" ", "%s/%s: %s", a.Namespace, a.Test, a.Text)
	}
	return exit.For(exit.Worst(codes...))
}

var signs = map[exit.Code]term.Cell{
	exit.Verified: term.C("✔", term.Green), exit.Bad: term.C("✖", term.Red), exit.Doubtful: term.C("◐", term.Yellow), exit.Unknown: term.C("?", term.Yellow),
}
