package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	api "github.com/kymaros/kymaros/cmd/kymaros-api/app"
	archive "github.com/kymaros/kymaros/cmd/kymaros-archive/app"
	canary "github.com/kymaros/kymaros/cmd/kymaros-canary/app"
	controller "github.com/kymaros/kymaros/cmd/kymaros-controller/app"
	dns "github.com/kymaros/kymaros/cmd/kymaros-dns/app"
	notify "github.com/kymaros/kymaros/cmd/kymaros-notify/app"
)

const head = `# Flags

Made by hack/update-reference.sh from the commands: edit their options.go. Every command has klog's flags too, such as ` + "`-v=4`" + `, and
` + "`--version`" + `. ` + "`kymaros-prober`" + ` is ` + "`kymaros-controller`" + ` with other ` + "`--controllers`" + `.
`

var commands = []struct {
	name    string
	options interface{ AddFlags(fs *pflag.FlagSet) }
}{
	{"kymaros-controller", controller.NewOptions()},
	{"kymaros-dns", dns.NewOptions()},
	{"kymaros-canary", canary.NewOptions()},
	{"kymaros-api", api.NewOptions()},
	{"kymaros-notify", notify.NewOptions()},
	{"kymaros-archive", archive.NewOptions()},
}

// flags writes the flags of every command. Those of klog, which all have, are left out.
func flags(b *strings.Builder) {
	b.WriteString(head)
	for _, command := range commands {
		fs := pflag.NewFlagSet(command.name, pflag.ContinueOnError)
		command.options.AddFlags(fs)
		fmt.Fprintf(b, "\n## %s\n\n| Flag | Default | |\n| --- | --- | --- |\n", command.name)
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Name != "v" && f.Name != "vmodule" {
				fmt.Fprintf(b, "| `--%s` | %s | %s |\n", f.Name, code(f.DefValue), cell(f.Usage))
			}
		})
	}
}

func code(value string) string {
	if value == "" || value == "[]" {
		return ""
	}
	return "`" + strings.Trim(value, "[]") + "`"
}

// cell keeps a text from ending the cell that it is in.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
