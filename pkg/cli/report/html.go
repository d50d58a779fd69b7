package report

import (
	_ "embed"
	"fmt"
	"html"
	"strings"

	"github.com/kymaros/kymaros/pkg/cli/term"
)

//go:embed report.css
var css string

// classes of the style sheet.
var classes = map[term.Style]string{term.Green: "good", term.Red: "bad", term.Yellow: "doubtful", term.Dim: "dim"}

// page is written without html/template, with which the linker may leave nothing out of the program. All that comes from a report
// goes through text, and stands between tags.
type page struct{ strings.Builder }

func (p *page) tags(format string, args ...any) { _, _ = fmt.Fprintf(p, format, args...) }

func (p *page) text(s string) { p.WriteString(html.EscapeString(term.Clean(s))) }

// element writes text between tags. Its attributes are ours.
func (p *page) element(name, attributes, s string) {
	p.tags("<%s%s>", name, attributes)
	p.text(s)
	p.tags("</%s>", name)
}

func class(names ...string) string {
	all := strings.Join(strings.Fields(strings.Join(names, " ")), " ")
	if all == "" {
		return ""
	}
	return ` class="` + all + `"`
}

// HTML returns the view as one file without scripts, to be read and printed.
func (v View) HTML() string {
	p := &page{}
	p.tags(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
`)
	title, footer := v.Title, v.Footer
	if title == "" {
		title = "Restore report " + v.Namespace + "/" + v.Name
		footer = "From RestoreReport " + v.Namespace + "/" + v.Name + ", which cannot be changed once written. Times are UTC."
		p.element("title", "", v.Test+": "+v.Headline)
	} else {
		p.element("title", "", title)
	}
	p.tags("\n<style>\n%s</style>\n</head>\n<body>\n", css)
	p.element("h1", "", title)
	p.tags("\n<div%s>", class("verdict", classes[v.Verdict.Style]))
	p.element("strong", "", v.Headline)
	if v.Message != "" {
		p.element("p", "", v.Message)
	}
	if v.Remedy != "" {
		p.tags("<p><b>What to do:</b> ")
		p.text(v.Remedy)
		p.tags("</p>")
	}
	p.tags("</div>\n<table class=\"facts\">")
	for _, f := range v.Facts {
		p.tags("\n<tr>")
		p.element("th", ` scope="row"`, f.Name)
		p.element("td", "", f.Value)
		p.tags("</tr>")
	}
	p.tags("\n</table>\n")
	for _, s := range v.Sections {
		p.section(s)
	}
	p.tags("<div class=\"sign\"><div>Reviewed by</div><div>Date</div></div>\n<footer>")
	p.text(footer)
	p.tags("</footer>\n</body>\n</html>\n")
	return p.String()
}

func (p *page) section(s Section) {
	p.element("h2", "", s.Title)
	if len(s.Columns) == 1 {
		p.tags("\n<ul>")
		for _, row := range s.Rows {
			p.tags("\n")
			p.element("li", "", row[0].Text)
		}
		p.tags("\n</ul>\n")
		return
	}
	right := func(i int) string {
		if s.Columns[i].Right {
			return "right"
		}
		return ""
	}
	p.tags("\n<table><thead><tr>")
	for i, c := range s.Columns {
		p.element("th", ` scope="col"`+class(right(i)), strings.ToLower(c.Header))
	}
	p.tags("</tr></thead><tbody>")
	for _, row := range s.Rows {
		p.tags("\n<tr>")
		for i, cell := range row {
			p.element("td", class(classes[cell.Style], right(i)), cell.Text)
		}
		p.tags("</tr>")
	}
	p.tags("\n</tbody></table>\n")
}
