package main

import (
	"bytes"
	"strings"
	"testing"
)

// made returns the template of a manifest with one document.
func made(t *testing.T, file, text string) (string, error) {
	t.Helper()
	documents, err := read(file, []byte(text))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	for _, d := range documents {
		for _, c := range changes {
			if _, err := c.do(d); err != nil {
				return "", err
			}
		}
		if err := d.write(&out); err != nil {
			t.Fatal(err)
		}
	}
	return out.String(), nil
}

const deployment = `# A comment.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kymaros-dns
  labels: {app.kubernetes.io/component: dns}
spec:
  replicas: 1
  template:
    spec:
      nodeSelector:
        kubernetes.io/os: linux
      containers:
      - name: dns # another
        image: ghcr.io/kymaros/kymaros:v0.1.0
        resources:
          limits: {cpu: 1m}
`

func TestAManifestBecomesATemplate(t *testing.T) {
	got, err := made(t, "40-dns.yaml", deployment)
	if err != nil {
		t.Fatal(err)
	}
	want := `---
{{- if .Values.dns.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kymaros-dns
  labels: {app.kubernetes.io/component: dns}
spec:
  replicas: {{ int64 .Values.dns.replicas }}
  template:
    spec:
      nodeSelector: {{- toYaml (merge (dict) .Values.nodeSelector (dict "kubernetes.io/os" "linux")) | nindent 8 }}
      containers:
      - name: dns
        image: {{ include "kymaros.image" . | quote }}
        resources: {{- toYaml (.Values.dns.resources) | nindent 10 }}
        {{- with .Values.image.pullPolicy }}
        imagePullPolicy: {{ . }}
        {{- end }}
        {{- with concat (include "kymaros.domainArguments" . | fromYamlArray) .Values.dns.extraArgs }}
        args:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestWhatNoValueCanReachIsAnError: the chart would go on with what was right once.
func TestWhatNoValueCanReachIsAnError(t *testing.T) {
	for change, says := range map[string]string{
		"image: ghcr.io/kymaros/kymaros=image: docker.io/other": "the image of container dns",
		"replicas: 1\n=paused: false\n":                         "no spec.replicas",
		"resources:=envFrom:":                                   "not one container with resources",
		"nodeSelector:=affinity:":                               "want a nodeSelector",
		"      containers:=      volumes: [{name: x, secret: {secretName: new-one}}]\n      containers:": "no value is known for Secret new-one",
	} {
		from, to, _ := strings.Cut(change, "=")
		text := strings.Replace(deployment, from, to, 1)
		if text == deployment {
			t.Fatalf("%q changes nothing", change)
		}
		if _, err := made(t, "40-dns.yaml", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", change, err)
		}
	}
}

func TestTheNamespaceOfVeleroIsReplacedWhereItIsMeant(t *testing.T) {
	got, err := made(t, "fence/x.yaml", `
kind: ValidatingAdmissionPolicy
metadata: {name: x, namespace: velero}
spec:
  matches: [velero, 'velero', velero.io]
  expression: >-
    request.namespace == 'velero'
    || user.startsWith('system:serviceaccount:velero:')
  message: in namespace velero only
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"metadata: {name: x, namespace: {{ .Values.veleroNamespace | quote }}}\n",
		"matches: [velero, {{ .Values.veleroNamespace | quote }}, velero.io]\n",
		"request.namespace == '{{ .Values.veleroNamespace }}' || user.startsWith('system:serviceaccount:{{ .Values.veleroNamespace }}:')\n",
		"message: in namespace velero only\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("there is no %q in\n%s", line, got)
		}
	}
}

// TestActionsOfOthersAreNone: alerts have some for Prometheus.
func TestActionsOfOthersAreNone(t *testing.T) {
	got, err := made(t, "monitoring/x.yaml", "kind: PrometheusRule\nmetadata: {name: x, labels: {a: b}}\nspec:\n  summary: of {{ $labels.test }}\n")
	if err != nil || !strings.Contains(got, `summary: of {{ "{{" }} $labels.test }}`) {
		t.Errorf("%v, got\n%s", err, got)
	}
}

func TestTheTableTellsEveryValue(t *testing.T) {
	got, err := readme([]byte("# Chart\n"+begin+"old\n"+end+"after\n"), []byte("# What\n# it is.\na: x\nb:\n  # A list | of some.\n  c: [1]\n"))
	want := "# Chart\n" + begin + "\n| Value | Default | |\n| --- | --- | --- |\n| `a` | `x` | What it is. |\n| `b.c` | `[1]` | A list \\| of some. |\n\n" + end + "after\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, got\n%s", err, got)
	}
	if _, err := readme([]byte(begin+end), []byte("a: x\n")); err == nil || !strings.Contains(err.Error(), "no comment says what a is") {
		t.Errorf("a value without a comment: %v", err)
	}
	if _, err := readme([]byte("# Chart\n"), []byte("# A.\na: x\n")); err == nil {
		t.Error("a README without a place is taken")
	}
}
