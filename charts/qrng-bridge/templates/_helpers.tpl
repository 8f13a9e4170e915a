{{- define "qrng-bridge.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{/* The operator's Deployment, and what else there is one of. */}}
{{- define "qrng-bridge.operator" -}}
{{ include "qrng-bridge.fullname" . }}-operator
{{- end -}}

{{/* Of a kind that is in no namespace, so that two releases of one name do not meet. */}}
{{- define "qrng-bridge.clusterName" -}}
{{ .Release.Namespace }}:{{ include "qrng-bridge.operator" . }}
{{- end -}}

{{- define "qrng-bridge.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "qrng-bridge.operator" .) -}}
{{- end -}}

{{- define "qrng-bridge.selectorLabels" -}}
app.kubernetes.io/name: qrng-bridge-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "qrng-bridge.labels" -}}
{{ include "qrng-bridge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The same and a user's, which take the place of none. Takes the chart's context and those labels. */}}
{{- define "qrng-bridge.labelsAnd" -}}
{{ merge (include "qrng-bridge.labels" .context | fromYaml) .labels | toYaml }}
{{- end -}}

{{/* An image's name within the registry. Takes the image and the chart. */}}
{{- define "qrng-bridge.image" -}}
{{- $image := .image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The namespaces with bridges, as a JSON list. */}}
{{- define "qrng-bridge.namespaces" -}}
{{- .Values.bridges.namespaces | default (list .Release.Namespace) | toJson -}}
{{- end -}}

{{/* Labels as a flag takes them. */}}
{{- define "qrng-bridge.labelList" -}}
{{- $pairs := list -}}
{{- range $key, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $key $value) }}{{ end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* Whose rights a binding gives. */}}
{{- define "qrng-bridge.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "qrng-bridge.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}
