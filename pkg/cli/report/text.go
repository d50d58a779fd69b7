package report

import (
	"strings"

	"github.com/kymaros/kymaros/pkg/cli/term"
)

// Text prints the view on a terminal or pipe.
func (v View) Text(o *term.Out) {
	o.Text(term.Bold, "", "%s/%s", v.Namespace, v.Name)
	o.Text(v.Verdict.Style, "", "%s", v.Headline)
	v.Why(o)
	o.Blank()
	rows := make([][]term.Cell, 0, len(v.Facts))
	for _, f := range v.Facts {
		rows = append(rows, []term.Cell{term.C(f.Name, term.Dim), term.C(f.Value)})
	}
	o.Table([]term.Column{{}, {Flex: true, Wrap: true}}, rows)
	for _, s := range v.Sections {
		o.Blank()
		o.Line(term.Bold, "%s", s.Title)
		o.Table(s.Columns, s.Rows)
	}
}

// Why prints the message, and what to do.
func (v View) Why(o *term.Out) {
	if v.Message != "" {
		o.Text(term.Plain, "  ", "%s", v.Message)
	}
	if v.Remedy != "" {
		o.Text(term.Plain, "  → ", "%s", v.Remedy)
	}
}

// markdown is what has a meaning in Markdown, and could be in what an application or a user wrote.
var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "#", `\#`, "@", "@\u200b", "~", `\~`)

func escaped(s string) string { return markdown.Replace(term.Clean(s)) }

// Markdown returns the view for the summary of a CI job or a comment.
func (v View) Markdown() string {
	var b strings.Builder
	b.WriteString("### " + escaped(v.Test) + ": " + escaped(v.Headline) + "\n\n")
	if v.Message != "" {
		b.WriteString(escaped(v.Message) + "\n\n")
	}
	if v.Remedy != "" {
		b.WriteString("**What to do:** " + escaped(v.Remedy) + "\n\n")
	}
	b.WriteString("| | |\n| --- | --- |\n")
	for _, f := range append(v.Facts, Fact{"Report", v.Namespace + "/" + v.Name}) {
		b.WriteString("| " + f.Name + " | " + escaped(f.Value) + " |\n")
	}
	for _, s := range v.Sections {
		b.WriteString("\n**" + s.Title + "**\n\n")
		if len(s.Columns) == 1 {
			for _, row := range s.Rows {
				b.WriteString("- " + escaped(row[0].Text) + "\n")
			}
			continue
		}
		for i, c := range s.Columns {
			b.WriteString("| " + strings.ToLower(c.Header) + " ")
			if i == len(s.Columns)-1 {
				b.WriteString("|\n")
			}
		}
		b.WriteString(strings.Repeat("| --- ", len(s.Columns)) + "|\n")
		for _, row := range s.Rows {
			for _, cell := range row {
				b.WriteString("| " + escaped(cell.Text) + " ")
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}
