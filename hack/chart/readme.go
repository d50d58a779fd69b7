package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The table of values stands between these in the chart's README.
const begin, end = "<!-- values: made by hack/update-chart.sh -->\n", "<!-- end of values -->\n"

// readme puts a table of the values into the text.
func readme(text, values []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !ok || !ended {
		return nil, errors.New("README.md of the chart has no place for the table of values")
	}
	table, err := table(values)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%s\n%s\n%s%s", before, begin, table, end, after), nil
}

// table tells each value with its default, and what the comment above it says.
func table(values []byte) (string, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(values, &root); err != nil {
		return "", fmt.Errorf("values.yaml: %w", err)
	}
	var out strings.Builder
	out.WriteString("| Value | Default | |\n| --- | --- | --- |\n")
	if err := rows(&out, "", root.Content[0]); err != nil {
		return "", err
	}
	return out.String(), nil
}

// rows writes those of a mapping. What has no comment is a group, and told by its parts.
func rows(out *strings.Builder, prefix string, mapping *yaml.Node) error {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := prefix + key.Value
		comment := strings.Join(strings.Fields(strings.ReplaceAll("\n"+key.HeadComment, "\n#", " ")), " ")
		switch {
		case comment != "":
			fallback, err := flow(value)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| `%s` | `%s` | %s |\n", name, fallback, strings.ReplaceAll(comment, "|", `\|`))
		case value.Kind == yaml.MappingNode && len(value.Content) > 0:
			if err := rows(out, name+".", value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("values.yaml: no comment says what %s is", name)
		}
	}
	return nil
}

// flow writes a value on one line.
func flow(value *yaml.Node) (string, error) {
	bare := *value
	strip(&bare)
	text, err := yaml.Marshal(&bare)
	return strings.TrimSpace(string(text)), err
}

// strip takes comments away, and line breaks.
func strip(node *yaml.Node) {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	if node.Kind != yaml.ScalarNode {
		node.Style = yaml.FlowStyle
	}
	for _, child := range node.Content {
		strip(child)
	}
}
