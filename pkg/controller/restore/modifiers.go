package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

const (
	// ModifiersName is the ConfigMap in Velero's namespace that neutralises what is restored. It is part of the manifests.
	ModifiersName = "kymaros-sandbox-modifiers"
	// GroupModifiersName is the one for networkIsolation group: those rules, and one that gives restored pods our DNS. It is
	// written anew for every Restore, so that it never lags behind the other.
	GroupModifiersName = "kymaros-group-modifiers"
	// DNSName is the Service of our DNS.
	DNSName = "kymaros-dns"
)

// modifiersError tells what is missing for a Restore, and what to do.
type modifiersError string

func (m modifiersError) Error() string { return string(m) }

// modifiers returns the name of the ConfigMap for the Restore of rt's run, which exists then. The error is a modifiersError
// if it cannot.
func (c *Controller) modifiers(ctx context.Context, rt *v1alpha1.RestoreTest) (string, error) {
	where := c.options.VeleroNamespace + "/" + ModifiersName
	configMaps := c.kube.CoreV1().ConfigMaps(c.options.VeleroNamespace)
	static, err := configMaps.Get(ctx, ModifiersName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", modifiersError("ConfigMap " + where + " is missing, without which nothing may be restored: apply manifests/20-modifiers.yaml")
	}
	if err != nil {
		return "", fmt.Errorf("get ConfigMap %s: %w", where, err)
	}
	key, shipped, err := parse(static.Data)
	if err != nil {
		return "", modifiersError(fmt.Sprintf("ConfigMap %s is not as it was shipped (%v): apply manifests/20-modifiers.yaml", where, err))
	}
	if rt.Status.Run.Spec.Sandbox.NetworkIsolation != v1alpha1.IsolationGroup {
		return ModifiersName, nil
	}
	service := c.options.SystemNamespace + "/" + DNSName
	dns, err := c.kube.CoreV1().Services(c.options.SystemNamespace).Get(ctx, DNSName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && (dns.Spec.ClusterIP == "" || dns.Spec.ClusterIP == corev1.ClusterIPNone) {
		return "", modifiersError("Service " + service + " is missing or has no address, and networkIsolation group needs it: apply manifests/40-dns.yaml")
	}
	if err != nil {
		return "", fmt.Errorf("get Service %s: %w", service, err)
	}
	text, err := groupRules(shipped, dns.Spec.ClusterIP, c.options.ClusterDomain)
	if err != nil {
		return "", err
	}
	rules := map[string]string{key: text}

	have, err := configMaps.Get(ctx, GroupModifiersName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		// Not the controller's to create: whoever may create ConfigMaps here can change what Velero's plugins do.
		return "", modifiersError(fmt.Sprintf("ConfigMap %s/%s is missing: apply manifests/20-modifiers.yaml", c.options.VeleroNamespace, GroupModifiersName))
	case err == nil && (!maps.Equal(have.Data, rules) || len(have.BinaryData) > 0):
		have = have.DeepCopy()
		have.Data, have.BinaryData = rules, nil
		_, err = configMaps.Update(ctx, have, metav1.UpdateOptions{FieldManager: controller.FieldManager(controller.Restore)})
	}
	if err != nil {
		return "", fmt.Errorf("write ConfigMap %s/%s: %w", c.options.VeleroNamespace, GroupModifiersName, err)
	}
	return GroupModifiersName, nil
}

// rules are resource modifiers as Velero reads them.
type rules struct {
	Version string            `json:"version"`
	Rules   []json.RawMessage `json:"resourceModifierRules"`
}

// parse returns the rules of a ConfigMap of modifiers and the key that they stand under. Velero wants one key.
func parse(data map[string]string) (key string, all rules, err error) {
	if len(data) != 1 {
		return "", all, fmt.Errorf("it has %d keys, not one", len(data))
	}
	key = slices.Collect(maps.Keys(data))[0]
	if err := yaml.UnmarshalStrict([]byte(data[key]), &all); err != nil {
		return "", all, fmt.Errorf("%s: %w", key, err)
	}
	if len(all.Rules) == 0 {
		return "", all, errors.New(key + ": it has no rules")
	}
	return key, all, nil
}

// groupRules returns the rules and one more, by which pods ask our DNS, as text.
func groupRules(all rules, dns, domain string) (string, error) {
	// Pods only: a changed template is rolled out, and that deletes the pod whose volumes Velero is filling.
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{
		"dnsPolicy": corev1.DNSNone,
		"dnsConfig": map[string]any{
			"nameservers": []string{dns},
			"searches":    []string{"svc." + domain},
			// A name with a dot is asked for as it is written, which our DNS understands: one query instead of two.
			"options": []map[string]string{{"name": "ndots", "value": "1"}},
		},
	}})
	if err != nil {
		return "", err
	}
	rule, err := json.Marshal(map[string]any{
		"conditions":   map[string]any{"groupResource": "pods"},
		"mergePatches": []map[string]any{{"patchData": string(patch)}},
	})
	if err != nil {
		return "", err
	}
	all.Rules = append(all.Rules, rule)
	text, err := yaml.Marshal(all)
	return string(text), err
}
