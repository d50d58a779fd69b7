package main

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// change puts values into documents.
type change struct {
	// what is put in, for messages.
	what string
	// do returns in how many places it did so.
	do func(*document) (int, error)
}

// changes are all of them, in order.
var changes = []change{
	{"the namespace of Velero", veleroNamespace},
	{"the domain of the cluster", clusterDomain},
	{"our image", image},
	{"the replicas", replicas},
	{"the resources", resources},
	{"arguments", arguments},
	{"where pods run", placement},
	{"names of Secrets and ConfigMaps", references},
	{"what else tests may restore", permitted},
	{"what the archive writes to", archive},
	{"rights that an overlay takes or gives", rights},
	{"what Prometheus selects by", monitors},
	{"what is kept at uninstall", kept},
	{"parts that can be left out", conditions},
}

const (
	ours          = "ghcr.io/kymaros/kymaros:"
	shippedVelero = "velero"
	shippedDomain = "cluster.local"
)

// components are the parts with a Deployment of their own that has values of the same name.
var components = []string{"controller", "prober", "dns", "api", "notify", "archive"}

// scalars calls do with every text of a tree, and returns how many it changed.
func scalars(node *yaml.Node, do func(string) string) (n int) {
	if node.Kind == yaml.ScalarNode {
		if text := do(node.Value); text != node.Value {
			node.Value = text
			n++
		}
	}
	for _, child := range node.Content {
		n += scalars(child, do)
	}
	return n
}

// veleroNamespace does what hack/velero-namespace.sh does.
func veleroNamespace(d *document) (int, error) {
	put := d.inline("{{ .Values.veleroNamespace }}")
	n := scalars(d.root, func(text string) string {
		text = strings.ReplaceAll(text, "'"+shippedVelero+"'", "'"+put+"'")
		return strings.ReplaceAll(text, ":"+shippedVelero+":", ":"+put+":")
	})
	var within func(node *yaml.Node)
	within = func(node *yaml.Node) {
		if node.Style == yaml.SingleQuotedStyle && node.Value == shippedVelero {
			d.replace(node, "{{ .Values.veleroNamespace | quote }}")
			n++
		}
		if value := at(node, "namespace"); value != nil && value.Value == shippedVelero {
			d.replace(value, "{{ .Values.veleroNamespace | quote }}")
			n++
		}
		if value := at(node, "value"); value != nil && text(node, "name") == "KYMAROS_VELERO_NAMESPACE" {
			d.replace(value, "{{ .Values.veleroNamespace | quote }}")
			n++
		}
		for _, child := range node.Content {
			within(child)
		}
	}
	within(d.root)
	return n, nil
}

// clusterDomain puts it into what restored pods search names in; the programs have it as an argument.
func clusterDomain(d *document) (int, error) {
	return scalars(d.root, func(text string) string {
		return strings.ReplaceAll(text, "svc."+shippedDomain, "svc."+d.inline("{{ .Values.clusterDomain }}"))
	}), nil
}

// referenced are the objects that people make, by the name that manifests have for them, and the values with other names.
var referenced = map[string]string{
	"prober Secret kymaros-evidence-key":     "prober.evidenceKeySecret",
	"api Secret kymaros-api-tls":             "api.tlsSecret",
	"notify Secret kymaros-notifications":    "notify.secret",
	"notify ConfigMap kymaros-notifications": "notify.configMap",
	"archive Secret kymaros-archive":         "archive.bucket.secret",
}

func references(d *document) (n int, err error) {
	volumes := at(d.pods(), "volumes")
	if volumes == nil {
		return 0, nil
	}
	for _, v := range volumes.Content {
		for kind, name := range map[string]*yaml.Node{"Secret": at(v, "secret", "secretName"), "ConfigMap": at(v, "configMap", "name")} {
			if name == nil || name.Value == "canary-addresses" {
				continue
			}
			value, ok := referenced[d.component+" "+kind+" "+name.Value]
			if !ok {
				return n, fmt.Errorf("no value is known for %s %s", kind, name.Value)
			}
			d.replace(name, "{{ .Values."+value+" | quote }}")
			n++
		}
	}
	return n, nil
}

// permitted puts the list into the policies that have it, as the controller expects it there.
func permitted(d *document) (n int, err error) {
	variables := at(d.root, "spec", "variables")
	if variables == nil {
		return 0, nil
	}
	for _, v := range variables.Content {
		if text(v, "name") == "permitted" {
			d.replace(at(v, "expression"), `{{ include "kymaros.permitted" . | quote }}`)
			n++
		}
	}
	return n, nil
}

func archive(d *document) (n int, err error) {
	if path.Dir(d.file) != "archive" {
		return 0, nil
	}
	if d.kind == "PersistentVolumeClaim" {
		size := at(d.root, "spec", "resources", "requests", "storage")
		if size == nil {
			return 0, fmt.Errorf("it has no size")
		}
		d.replace(size, "{{ .Values.archive.volume.size }}")
		addLines(d, at(d.root, "spec"), "{{- with .Values.archive.volume.storageClass }}", "storageClassName: {{ . | quote }}", "{{- end }}")
		return 1, nil
	}
	if volumes := at(d.pods(), "volumes"); volumes != nil {
		for _, v := range volumes.Content {
			if claim := at(v, "persistentVolumeClaim", "claimName"); claim != nil {
				d.replace(claim, `{{ .Values.archive.volume.existingClaim | default "kymaros-archive" | quote }}`)
				n++
			}
		}
	}
	if security := at(d.pods(), "securityContext"); at(security, "fsGroup") != nil {
		d.replace(at(security, "fsGroup"), "{{ int64 .Values.archive.volume.fsGroup }}")
		d.choose(security, "fsGroup", ".Values.archive.volume.fsGroup")
		d.choose(security, "fsGroupChangePolicy", ".Values.archive.volume.fsGroup")
		n++
	}
	for _, c := range d.containers() {
		arguments := at(c, "args")
		if arguments == nil {
			return n, fmt.Errorf("container %s has no arguments", text(c, "name"))
		}
		for _, argument := range arguments.Content {
			for flag, value := range map[string]string{"--s3-endpoint=": "endpoint", "--s3-bucket=": "name", "--s3-region=": "region"} {
				if strings.HasPrefix(argument.Value, flag) {
					argument.Value = flag + d.inline("{{ .Values.archive.bucket."+value+" }}")
					n++
				}
			}
		}
	}
	return n, nil
}

// rights are those of manifests/overlays/hardened and overlays/seed-rbac.
func rights(d *document) (n int, err error) {
	count := func(did bool) {
		if did {
			n++
		}
	}
	switch {
	case d.file == "overlays/seed-rbac/rbac.yaml" && d.name == "kymaros-controller-bindings":
		d.dropped = true // as below
	case d.file == "overlays/seed-rbac/rbac.yaml":
		d.conditions = append(d.conditions, "(not .Values.rbac.bindInSandboxes)")
		n++
	case d.kind == "ClusterRole" && d.name == "kymaros-controller-bindings":
		count(d.choose(d.root, "rules", ".Values.rbac.bindInSandboxes", "rules: []"))
	case d.kind == "ClusterRoleBinding" && (d.name == "kymaros-source-reader" || d.name == "kymaros-source-sizes"):
		count(d.choose(d.root, "subjects", ".Values.rbac.readSources", "subjects: []"))
	case d.kind == "Deployment" && d.component == "controller":
		addLines(d, at(d.containers()[0], "env"), "{{- if not .Values.rbac.bindInSandboxes }}", "- name: KYMAROS_SANDBOX_BINDINGS", `  value: "false"`, "{{- end }}")
		n++
	}
	return n, nil
}

func monitors(d *document) (int, error) {
	switch d.kind {
	case "PodMonitor", "ServiceMonitor", "PrometheusRule":
		d.addAll(at(d.root, "metadata", "labels"), ".Values.monitoring.labels")
		return 1, nil
	}
	return 0, nil
}

// kept are those with what people would lose: their tests and reports.
func kept(d *document) (int, error) {
	switch {
	case d.kind == "CustomResourceDefinition", d.kind == "PersistentVolumeClaim", d.kind == "Namespace" && d.name == "kymaros-system":
	default:
		return 0, nil
	}
	annotations := at(d.root, "metadata", "annotations")
	if annotations == nil {
		annotations = &yaml.Node{Kind: yaml.MappingNode}
		metadata := at(d.root, "metadata")
		metadata.Content = append(metadata.Content, scalar("annotations"), annotations)
	}
	annotations.Content = append(annotations.Content, scalar("helm.sh/resource-policy"), scalar("keep"))
	return 1, nil
}

// conditions leaves parts out that somebody may not want.
func conditions(d *document) (int, error) {
	before := len(d.conditions)
	want := func(condition ...string) { d.conditions = append(d.conditions, condition...) }
	switch dir := path.Dir(d.file); {
	case dir == "crds":
		want(".Values.crds.enabled")
	case d.kind == "Namespace" && d.name == "kymaros-system":
		want(".Values.namespace.create")
	case d.file == "45-canary.yaml":
		want(".Values.canary.enabled")
	case d.file == "40-dns.yaml", d.file == "50-api.yaml", d.file == "55-notify.yaml", dir == "archive":
		want(".Values." + d.component + ".enabled")
		if d.file == "archive/bucket.yaml" {
			want(".Values.archive.bucket.name")
		}
		if d.file == "archive/volume.yaml" {
			want("(not .Values.archive.bucket.name)")
		}
		if d.kind == "PersistentVolumeClaim" {
			want("(not .Values.archive.volume.existingClaim)")
		}
	case d.kind == "NetworkPolicy" && d.component != "controller" && d.component != "prober":
		want(".Values." + d.component + ".enabled")
	case dir == "newborn":
		want(".Values.newbornPods.enabled")
	case dir == "mappings":
		want(".Values.imageMappings.enabled")
	case d.file == "monitoring/scraper.yaml":
		want("(or .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled)")
	case dir == "monitoring":
		want(".Values.monitoring." + strings.ToLower(d.kind[:1]) + d.kind[1:] + ".enabled")
		if d.component != "" && d.component != "controller" && d.component != "prober" {
			want(".Values." + d.component + ".enabled")
		}
	}
	return len(d.conditions) - before, nil
}
