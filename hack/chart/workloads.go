package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pods returns the pod template's spec of a workload, or nil.
func (d *document) pods() *yaml.Node { return at(d.root, "spec", "template", "spec") }

// containers returns all of a workload.
func (d *document) containers() (all []*yaml.Node) {
	for _, key := range []string{"initContainers", "containers"} {
		if list := at(d.pods(), key); list != nil {
			all = append(all, list.Content...)
		}
	}
	return all
}

// values returns the expression of what values say of the part that a Deployment runs; ok is false for everything else.
func (d *document) values() (expression string, ok bool) {
	return ".Values." + d.component, d.kind == "Deployment" && slices.Contains(components, d.component)
}

func image(d *document) (n int, err error) {
	for _, c := range d.containers() {
		value := at(c, "image")
		if value == nil || !strings.HasPrefix(value.Value, ours) {
			return n, fmt.Errorf("the image of container %s is not %s…", text(c, "name"), ours)
		}
		d.replace(value, `{{ include "kymaros.image" . | quote }}`)
		addLines(d, c, "{{- with .Values.image.pullPolicy }}", "imagePullPolicy: {{ . }}", "{{- end }}")
		n++
	}
	// The name of an image in an expression of the policy for new pods.
	n += scalars(d.root, func(text string) string {
		if strings.HasPrefix(text, "'"+ours) && strings.HasSuffix(text, "'") {
			return "'" + d.inline(`{{ include "kymaros.image" . }}`) + "'"
		}
		return text
	})
	return n, nil
}

func replicas(d *document) (int, error) {
	values, ok := d.values()
	if !ok || d.component == "archive" { // of which there is one
		return 0, nil
	}
	value := at(d.root, "spec", "replicas")
	if value == nil {
		return 0, fmt.Errorf("no spec.replicas")
	}
	d.replace(value, "{{ int64 "+values+".replicas }}")
	return 1, nil
}

func resources(d *document) (int, error) {
	values, ok := d.values()
	if !ok {
		return 0, nil
	}
	if len(d.containers()) != 1 || at(d.containers()[0], "resources") == nil {
		return 0, fmt.Errorf("not one container with resources")
	}
	d.block(at(d.containers()[0], "resources"), values+".resources")
	return 1, nil
}

// arguments adds those that follow from values, and those that are values.
func arguments(d *document) (n int, err error) {
	for _, c := range d.containers() {
		var expression string
		switch d.component {
		case "controller", "prober":
			expression = fmt.Sprintf(`concat (include "kymaros.runArguments" . | fromYamlArray) .Values.%s.extraArgs`, d.component)
		case "dns":
			expression = `concat (include "kymaros.domainArguments" . | fromYamlArray) .Values.dns.extraArgs`
		case "api", "notify", "archive":
			expression = ".Values." + d.component + ".extraArgs"
		case "canary-fenced", "canary-control":
			if text(c, "name") != "canary" {
				continue
			}
			expression = ".Values.canary.extraArgs"
		default:
			continue
		}
		if list := at(c, "args"); list != nil {
			d.addAll(list, expression)
		} else {
			d.addKey(c, "args", expression)
		}
		n++
	}
	return n, nil
}

// placement is not for DaemonSets: there is a canary on every node that a restored pod could come to.
func placement(d *document) (int, error) {
	if d.pods() == nil {
		return 0, nil
	}
	d.addKey(d.pods(), "imagePullSecrets", ".Values.imagePullSecrets")
	if d.kind != "Deployment" {
		return 1, nil
	}
	selector := at(d.pods(), "nodeSelector")
	if selector == nil || at(d.pods(), "tolerations") != nil {
		return 0, fmt.Errorf("want a nodeSelector and no tolerations")
	}
	shipped := []string{"dict"}
	for _, node := range selector.Content {
		shipped = append(shipped, strconv.Quote(node.Value))
	}
	d.block(selector, "merge (dict) .Values.nodeSelector ("+strings.Join(shipped, " ")+")")
	d.addKey(d.pods(), "tolerations", ".Values.tolerations")
	return 1, nil
}
