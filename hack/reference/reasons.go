package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/pkg/cli/explain"
)

const reasonsHead = `# Reasons

Made by hack/update-reference.sh: edit pkg/outcome/reasons.go and pkg/cli/explain/meanings.go. ` + "`kubectl kymaros explain REASON`" + ` tells the same.
`

// reasons writes what each reason means and what to do, by the groups of the constants in package v1alpha1.
func reasons(b *strings.Builder) error {
	b.WriteString(reasonsHead)
	file, err := parser.ParseFile(token.NewFileSet(), "pkg/apis/restore/v1alpha1/conditions.go", nil, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST || !strings.HasPrefix(group.Doc.Text(), "Reasons") || strings.HasPrefix(group.Doc.Text(), "Reasons of events") {
			continue
		}
		title, _, _ := strings.Cut(strings.ReplaceAll(group.Doc.Text(), "\n", " "), ".")
		title, _, _ = strings.Cut(title, ",")
		fmt.Fprintf(b, "\n## %s\n\n| Reason | Says of the backup | Means | What to do |\n| --- | --- | --- | --- |\n", title)
		for _, spec := range group.Specs {
			value, err := strconv.Unquote(spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
			if err != nil {
				return err
			}
			e, err := explain.Of(value)
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.Reason, e.Class, cell(e.Meaning), cell(e.Remedy))
		}
	}
	return nil
}
