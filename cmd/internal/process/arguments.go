package process

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/component-base/version"
)

// Options are the flags of a program.
type Options interface {
	AddFlags(fs *pflag.FlagSet)
	// Validate returns what is wrong with the options, each with its flag.
	Validate() error
}

// Parse reads the arguments of a program into options, to which it adds --version. It tells whether the program is to run:
// not after --help or --version, which are answered on out, nor with an error, which names what is wrong.
func Parse(name string, args []string, out io.Writer, options Options) (run bool, err error) {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	options.AddFlags(fs)
	printVersion := fs.Bool("version", false, "print the version and end")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return false, nil
		}
		return false, err
	}
	if *printVersion {
		_, err := fmt.Fprintln(out, version.Get().GitVersion)
		return false, err
	}
	if fs.NArg() > 0 {
		return false, fmt.Errorf("unexpected argument %q: everything is a flag, see --help", fs.Arg(0))
	}
	return true, options.Validate()
}
