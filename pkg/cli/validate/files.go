package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// document is one object of a file.
type document struct {
	file   string
	text   []byte
	node   *yamlv3.Node
	object *unstructured.Unstructured
}

// split returns the documents of a stream of YAML.
func split(text []byte) (all []document, err error) {
	decoder := yamlv3.NewDecoder(bytes.NewReader(text))
	for {
		node := &yamlv3.Node{}
		err := decoder.Decode(node)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
			continue
		}
		one, err := yamlv3.Marshal(node)
		if err != nil {
			return all, err
		}
		all = append(all, document{text: one, node: node.Content[0]})
	}
}

// read returns the objects of files, and of the *.yaml, *.yml and *.json in folders; "-" is in.
func read(paths []string, in io.Reader) (all []document, findings []Finding, err error) {
	for _, path := range paths {
		files := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			if files, err = filesOf(path); err != nil {
				return nil, nil, err
			}
		}
		for _, file := range files {
			text, err := contents(file, in)
			if err != nil {
				return nil, nil, err
			}
			documents, err := split(text)
			if err != nil {
				findings = append(findings, Finding{File: file, Line: lineOf(err), Severity: Error, Message: "this is no YAML: " + err.Error()})
				continue
			}
			for _, d := range documents {
				d.file = file
				if d.object, err = object(d.text); err != nil {
					findings = append(findings, Finding{File: file, Line: d.node.Line, Severity: Error, Message: err.Error()})
					continue
				}
				all = append(all, d)
			}
		}
	}
	return all, findings, nil
}

func contents(file string, in io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file)
}

func filesOf(folder string) (all []string, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			all = append(all, path)
		}
		return err
	})
	return all, err
}

func object(text []byte) (*unstructured.Unstructured, error) {
	body, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &o.Object); err != nil { // whole numbers become int64, as in the API server
		return nil, fmt.Errorf("this is no object: %w", err)
	}
	return o, nil
}

// lineOf returns the line that an error of the parser names, 1 if it names none.
func lineOf(err error) int {
	_, rest, _ := strings.Cut(err.Error(), "line ")
	digits, _, _ := strings.Cut(rest, ":")
	if n, err := strconv.Atoi(digits); err == nil {
		return n
	}
	return 1
}

// line returns where the field is in the file, or the nearest that is there of what holds it.
func (d document) line(path string) int {
	node, line := d.node, d.node.Line
	for _, step := range steps(path) {
		var found *yamlv3.Node
		switch node.Kind {
		case yamlv3.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == step {
					found, line = node.Content[i+1], node.Content[i].Line
				}
			}
		case yamlv3.SequenceNode:
			if n, err := strconv.Atoi(step); err == nil && n < len(node.Content) {
				found, line = node.Content[n], node.Content[n].Line
			}
		case yamlv3.DocumentNode, yamlv3.ScalarNode, yamlv3.AliasNode:
		}
		if found == nil {
			return line
		}
		node = found
	}
	return line
}

// steps splits spec.checks[0].name.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}
