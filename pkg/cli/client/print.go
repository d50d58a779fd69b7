package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
)

// Output is the flag -o.
type Output struct {
	// Format is what was asked for; "" is for people.
	Format string
	// own are formats of the verb itself, beside those for objects and data.
	own []string
}

// AddFlags adds -o; own are formats of the verb itself.
func (o *Output) AddFlags(flags *pflag.FlagSet, own ...string) {
	o.own = own
	all := append(slices.Clone(own), "json", "yaml")
	flags.StringVarP(&o.Format, "output", "o", "", strings.Join(all, ", ")+"; the default is for people")
}

// Is tells whether format was asked for.
func (o *Output) Is(format string) bool { return o.Format == format }

// ForPeople tells whether the output is for people, or of one of the verb's own formats.
func (o *Output) ForPeople() bool { return o.Format == "" || slices.Contains(o.own, o.Format) }

// Validate returns an error if the format is none of those that there are.
func (o *Output) Validate() error {
	head, _, _ := strings.Cut(o.Format, "=")
	if o.ForPeople() || slices.Contains([]string{"json", "yaml"}, o.Format) || slices.Contains(o.own, head) {
		return nil
	}
	return fmt.Errorf("-o: %q is not one of %s", o.Format, strings.Join(append(slices.Clone(o.own), "json", "yaml"), ", "))
}

// Objects prints API objects as kubectl would: json, yaml, name or jsonpath=TEMPLATE. kubectl's own choice of printers would bring
// text/template, with which the linker may leave nothing out: it is not used.
func (f *Factory) Objects(format string, object runtime.Object) error {
	var printer printers.ResourcePrinter
	switch head, template, _ := strings.Cut(format, "="); head {
	case "json":
		printer = &printers.JSONPrinter{}
	case "yaml":
		printer = &printers.YAMLPrinter{}
	case "name":
		printer = &printers.NamePrinter{}
	case "jsonpath":
		if template == "" {
			return errors.New("-o jsonpath: write jsonpath=TEMPLATE, for example jsonpath={.status.score}")
		}
		paths, err := printers.NewJSONPathPrinter(template)
		if err != nil {
			return fmt.Errorf("-o jsonpath: %w", err)
		}
		printer = paths
	default:
		return fmt.Errorf("-o: %q is not one of json, yaml, name, jsonpath", format)
	}
	typed := printers.NewTypeSetter(scheme.Scheme).ToPrinter(printer)
	if format == "name" && meta.IsListType(object) {
		return meta.EachListItem(object, func(item runtime.Object) error { return typed.PrintObj(item, f.IOStreams.Out) })
	}
	return typed.PrintObj(object, f.IOStreams.Out)
}

// Data prints what is no API object as json or yaml.
func (f *Factory) Data(format string, data any) error {
	body, err := yaml.Marshal(data)
	if err != nil {
		return err
	}
	if format == "json" {
		if body, err = indented(data); err != nil {
			return err
		}
	}
	_, err = f.IOStreams.Out.Write(body)
	return err
}

func indented(data any) ([]byte, error) {
	body, err := json.MarshalIndent(data, "", "  ")
	return append(body, '\n'), err
}
