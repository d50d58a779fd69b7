package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a Kubernetes object on its way to a template. Actions of the template cannot stand in a tree of YAML: a mark
// stands for each until the tree is written.
type document struct {
	file                  string // of the manifest, in its directory
	root                  *yaml.Node
	kind, name, component string

	conditions []string // under which there is the object, as templates write them
	dropped    bool     // there never is
	marks      []mark
}

// mark stands for text of a template.
type mark struct {
	// text is put in where the mark stands in a line.
	text string
	// lines take the place of the whole line that the mark stands in.
	lines []string
}

func newDocument(file string, node *yaml.Node) (*document, error) {
	if node.Kind != yaml.DocumentNode || len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: a document is no object", file)
	}
	d := &document{file: file, root: node.Content[0]}
	tidy(d.root)
	d.kind = text(d.root, "kind")
	d.name, d.component = text(d.root, "metadata", "name"), text(d.root, "metadata", "labels", "app.kubernetes.io/component")
	if d.kind == "" || d.name == "" {
		return nil, fmt.Errorf("%s: a document has no kind or no name", file)
	}
	return d, nil
}

// tidy takes comments away, which tell of the plain manifests, and writes long text as it is: a folded one cannot hold actions safely.
func tidy(node *yaml.Node) {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	if node.Style == yaml.FoldedStyle {
		node.Style = yaml.LiteralStyle
	}
	for _, child := range node.Content {
		tidy(child)
	}
}

// at returns what a mapping has under keys, or nil.
func at(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if node == nil || node.Kind != yaml.MappingNode {
			return nil
		}
		i := slices.IndexFunc(node.Content, func(n *yaml.Node) bool { return n.Value == key })
		if i < 0 || i%2 != 0 {
			return nil
		}
		node = node.Content[i+1]
	}
	return node
}

func text(node *yaml.Node, keys ...string) string {
	if found := at(node, keys...); found != nil {
		return found.Value
	}
	return ""
}

// scalar is a plain one.
func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// mark returns what stands for m: letters that no manifest has, of which none is the beginning of another.
func (d *document) mark(m mark) string {
	d.marks = append(d.marks, m)
	return fmt.Sprintf("TEMPLATE%04dMARK", len(d.marks)-1)
}

// inline returns what stands for an action within a text.
func (d *document) inline(text string) string { return d.mark(mark{text: text}) }

// replace puts an action in the place of a value.
func (d *document) replace(node *yaml.Node, text string) { *node = *scalar(d.inline(text)) }

// block puts what an expression gives, as YAML, under the key of a value.
func (d *document) block(node *yaml.Node, expression string) {
	*node = *scalar(d.inline("{{- toYaml (" + expression + ") | nindent " + below + " }}"))
}

// In the text of a mark these stand for the indentation of its line, and of what is below the key of its line.
const here, below = "HERE", "BELOW"

// addKey adds a key with what an expression gives, unless that is empty, to a mapping.
func (d *document) addKey(mapping *yaml.Node, key, expression string) {
	addLines(d, mapping, "{{- with "+expression+" }}", key+":", "  {{- toYaml . | nindent "+below+" }}", "{{- end }}")
}

// addAll adds what an expression gives, a list or a mapping, to one.
func (d *document) addAll(node *yaml.Node, expression string) {
	addLines(d, node, "{{- with "+expression+" }}", "{{- toYaml . | nindent "+here+" }}", "{{- end }}")
}

// addLines adds lines of a template to a list or a mapping.
func addLines(d *document, node *yaml.Node, lines ...string) {
	node.Style = 0
	node.Content = append(node.Content, d.lines(node, lines...)...)
}

// choose has a key in a mapping under a condition, and other lines otherwise.
func (d *document) choose(mapping *yaml.Node, key, condition string, otherwise ...string) bool {
	i := slices.IndexFunc(mapping.Content, func(n *yaml.Node) bool { return n.Value == key })
	if i < 0 {
		return false
	}
	if len(otherwise) > 0 {
		otherwise = append([]string{"{{- else }}"}, otherwise...)
	}
	mapping.Style = 0
	mapping.Content = slices.Insert(mapping.Content, i+2, d.lines(mapping, append(otherwise, "{{- end }}")...)...)
	mapping.Content = slices.Insert(mapping.Content, i, d.lines(mapping, "{{- if "+condition+" }}")...)
	return true
}

// lines returns what stands for lines of a template in a list or a mapping.
func (d *document) lines(node *yaml.Node, lines ...string) []*yaml.Node {
	stands := []*yaml.Node{scalar(d.mark(mark{lines: lines}))}
	if node.Kind == yaml.MappingNode {
		stands = append(stands, scalar("x"))
	}
	return stands
}

// write writes the template of the document.
func (d *document) write(w io.Writer) error {
	var body bytes.Buffer
	encoder := yaml.NewEncoder(&body)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(d.root); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "---\n"); err != nil {
		return err
	}
	if len(d.conditions) > 0 {
		condition := d.conditions[0]
		if len(d.conditions) > 1 {
			condition = "and " + strings.Join(d.conditions, " ")
		}
		if _, err := fmt.Fprintf(w, "{{- if %s }}\n", condition); err != nil {
			return err
		}
	}
	for line := range strings.Lines(body.String()) {
		if _, err := io.WriteString(w, d.finish(line)); err != nil {
			return err
		}
	}
	if len(d.conditions) > 0 {
		_, err := io.WriteString(w, "{{- end }}\n")
		return err
	}
	return nil
}

// finish puts the text of marks into a line. What looks like an action of ours, such as those of Prometheus, is none of Helm's.
func (d *document) finish(line string) string {
	line = strings.ReplaceAll(line, "{{", `{{ "{{" }}`)
	indent := len(line) - len(strings.TrimLeft(line, " "))
	deep := indent
	if strings.HasPrefix(line[indent:], "- ") { // the key begins after the dash
		deep += 2
	}
	for i, m := range d.marks {
		name := fmt.Sprintf("TEMPLATE%04dMARK", i)
		if !strings.Contains(line, name) {
			continue
		}
		put := strings.NewReplacer(here, fmt.Sprint(indent), below, fmt.Sprint(deep+2))
		if m.lines != nil {
			pad := strings.Repeat(" ", indent)
			return pad + put.Replace(strings.Join(m.lines, "\n"+pad)) + "\n"
		}
		line = strings.ReplaceAll(line, name, put.Replace(m.text))
	}
	return line
}
