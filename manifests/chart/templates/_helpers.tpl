{{- /* The image of all pods. */}}
{{- define "kymaros.image" -}}
{{- with .Values.image -}}
{{ with .registry }}{{ . }}/{{ end }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- /* Arguments of every program that knows names of the cluster, as YAML. */}}
{{- define "kymaros.domainArguments" -}}
{{- $all := list }}
{{- if ne .Values.clusterDomain "cluster.local" }}{{ $all = append $all (printf "--cluster-domain=%s" .Values.clusterDomain) }}{{ end }}
{{- toYaml $all }}
{{- end }}

{{- /* YAML reads off without quotes as false. */}}
{{- define "kymaros.isolationProof" -}}
{{- kindIs "bool" .Values.isolationProof | ternary "off" .Values.isolationProof }}
{{- end }}

{{- /* Arguments that the controller and the prober must have both, as YAML. */}}
{{- define "kymaros.runArguments" -}}
{{- $all := include "kymaros.domainArguments" . | fromYamlArray }}
{{- $proof := include "kymaros.isolationProof" . }}
{{- if ne $proof "require" }}{{ $all = append $all (printf "--isolation-proof=%s" $proof) }}{{ end }}
{{- with .Values.permittedResources }}{{ $all = append $all (printf "--permitted-resources=%s" (join "," .)) }}{{ end }}
{{- with .Values.veleroVersion }}{{ $all = append $all (printf "--velero-version=%s" .) }}{{ end }}
{{- toYaml $all }}
{{- end }}

{{- /* What else tests may restore, as the fence has it: each once, sorted. */}}
{{- define "kymaros.permitted" -}}
[{{ range $i, $resource := .Values.permittedResources | uniq | sortAlpha }}{{ if $i }}, {{ end }}'{{ $resource }}'{{ end }}]
{{- end }}
