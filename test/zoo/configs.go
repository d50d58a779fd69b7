package zoo

import (
	"encoding/base64"
	"strings"
)

const (
	configMapBase = "{apiVersion: v1, kind: ConfigMap, metadata: {}}"
	secretBase    = "{apiVersion: v1, kind: Secret, metadata: {}}"
	// most is what a ConfigMap or a Secret may hold, in bytes.
	most = 1 << 20
)

// binary are all bytes there are, as they are written.
var binary = func() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return base64.StdEncoding.EncodeToString(all)
}()

var configMaps = kind{resource: core("configmaps"), base: configMapBase, shapes: append([]shape{
	{odd: "empty", patch: `{}`},
	{odd: "empty maps", patch: `{data: {}, binaryData: {}}`},
	{odd: "immutable and empty", patch: `{immutable: true}`},
	{odd: "immutable", patch: `{immutable: true, data: {a: b}}`},
	{odd: "all that it may hold", patch: `{data: {a: ` + strings.Repeat("x", most-1) + `}}`},
	{odd: "all bytes", patch: `{binaryData: {a: ` + binary + `, b: ""}}`},
	{odd: "keys with dots", patch: `{data: {".a": "", "b..": "", "a.b.c": "", "-": "", "_": ""}}`},
	{odd: "a key of 253 letters", patch: `{data: {` + strings.Repeat("K", 253) + `: ""}}`},
	{odd: "five thousand keys", patch: `{data: ` + many(5000, "key-%04d", "v") + `}`},
	{odd: "text of all scripts", patch: `{data: {text: "žluť 猫 🐈‍⬛ \u2028\u0000\u001b[31m", crlf: "a\r\nb\r", tabs: "\t", json: '{"a": null}', yaml: "---\n- &a [*a]\n", template: "{{ .Values.a }}", "null": "null"}}`},
	{odd: "it looks like a rule of Velero's", patch: `{metadata: {labels: {velero.io/plugin-config: "", velero.io/change-storage-class: RestoreItemAction}}, data: {zoo-gone-ZOO: zoo-there-ZOO}}`},
	{odd: "the trust of the cluster", patch: `{data: {ca.crt: ""}, metadata: {annotations: {kubernetes.io/description: odd}}}`},
}, metadata(true)...)}

var secrets = kind{resource: core("secrets"), base: secretBase, shapes: append([]shape{
	{odd: "empty", patch: `{}`},
	{odd: "immutable and empty", patch: `{immutable: true, data: {}}`},
	{odd: "all that it may hold", patch: `{data: {a: ` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", most-1))) + `}}`},
	{odd: "all bytes", patch: `{data: {a: ` + binary + `, b: ""}}`},
	{odd: "keys with dots", patch: `{stringData: {".a": "", "b..": "c", "a.b.c": ""}}`},
	{odd: "a key pair that is none", patch: `{type: kubernetes.io/tls, stringData: {tls.crt: "", tls.key: ""}}`},
	{odd: "a user without a name", patch: `{type: kubernetes.io/basic-auth, stringData: {password: ""}}`},
	{odd: "a key of SSH", patch: `{type: kubernetes.io/ssh-auth, stringData: {ssh-privatekey: odd}}`},
	{odd: "a login for images", patch: `{type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: "{}"}}`},
	{odd: "an old login for images", patch: `{type: kubernetes.io/dockercfg, stringData: {.dockercfg: "{}"}}`},
	{odd: "a token that joins nodes", patch: `{type: bootstrap.kubernetes.io/token, stringData: {token-id: odd}}`},
	{odd: "a token of the default account", patch: `{type: kubernetes.io/service-account-token, metadata: {annotations: {kubernetes.io/service-account.name: default}}}`, kept: Left},
	{odd: "a release of Helm", patch: `{type: helm.sh/release.v1, metadata: {name: sh.helm.release.v1.odd.v1, labels: {owner: helm, name: odd, status: superseded, version: "1"}}, stringData: {release: SDRzSUFBQUFBQUFB}}`},
	{odd: "a type of its own", patch: `{type: "Example Type/ 猫"}`},
	{odd: "a type of 253 letters", patch: `{type: ` + strings.Repeat("T", 253) + `}`},
}, metadata(true)...)}

var serviceAccounts = kind{resource: core("serviceaccounts"), base: "{apiVersion: v1, kind: ServiceAccount, metadata: {}}", shapes: append([]shape{
	{odd: "secrets that are gone", patch: `{secrets: [{name: gone}, {name: gone-token-abcde}, {name: odd-dockercfg-12345}]}`},
	{odd: "pull secrets that are gone", patch: `{imagePullSecrets: [{name: gone}, {name: other}]}`},
	{odd: "no token", patch: `{automountServiceAccountToken: false, secrets: [], imagePullSecrets: []}`},
	{odd: "roles in clouds", patch: `{metadata: {annotations: {eks.amazonaws.com/role-arn: odd, iam.gke.io/gcp-service-account: odd}}}`},
	{odd: "a reference with all its fields", patch: `{secrets: [{kind: Secret, namespace: gone, name: a, uid: u, apiVersion: v1, resourceVersion: "1", fieldPath: "spec.a[0]"}]}`},
	{odd: "secrets by its own name", patch: `{metadata: {name: own}, secrets: [{name: own-token-abcde}]}`},
}, metadata(true)...)}
