package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/velero"
)

const (
	// ModifiersName is the ConfigMap in Velero's namespace that neutralises what is restored. It is part of the manifests.
	ModifiersName = "kymaros-sandbox-modifiers"
	// GroupModifiersName is the one for networkIsolation group: those rules, and one that gives restored pods our DNS.
	GroupModifiersName = "kymaros-group-modifiers"
	// SandboxNoClassName is ModifiersName, but that claims without a storage class get one that never binds.
	SandboxNoClassName = "kymaros-sandbox-no-class"
	// GroupNoClassName is GroupModifiersName with that change.
	GroupNoClassName = "kymaros-group-no-class"
	// DNSName is the Service of our DNS.
	DNSName = names.DNS
)

// modifiersError tells what is missing for a Restore, and what to do.
type modifiersError string

func (m modifiersError) Error() string { return string(m) }

// modifiers returns the name of the ConfigMap for the Restore of rt's run, which exists then. The error is a modifiersError
// if it cannot.
func (c *Controller) modifiers(ctx context.Context, rt *v1alpha1.RestoreTest) (string, error) {
	use, err := c.chooseModifiers(ctx)
	if err != nil {
		return "", err
	}
	where := c.options.VeleroNamespace + "/" + use.sandbox
	configMaps := c.kube.CoreV1().ConfigMaps(c.options.VeleroNamespace)
	static, err := configMaps.Get(ctx, use.sandbox, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", modifiersError("ConfigMap " + where + " is missing, without which nothing may be restored: apply " + use.sandboxFile)
	}
	if err != nil {
		return "", fmt.Errorf("get ConfigMap %s: %w", where, err)
	}
	mapped := mappingRules(mappings(rt))
	key, shipped, err := parse(static.Data)
	var text string
	if err == nil {
		text, err = withMappings(static.Data[key], mapped)
	}
	if err != nil {
		return "", modifiersError(fmt.Sprintf("ConfigMap %s is not as it was shipped (%v): apply %s", where, err, use.sandboxFile))
	}
	if rt.Status.Run.Spec.Sandbox.NetworkIsolation != v1alpha1.IsolationGroup {
		return use.sandbox, c.write(ctx, static, key, text)
	}
	service := c.options.SystemNamespace + "/" + DNSName
	dns, err := c.kube.CoreV1().Services(c.options.SystemNamespace).Get(ctx, DNSName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && (dns.Spec.ClusterIP == "" || dns.Spec.ClusterIP == corev1.ClusterIPNone) {
		return "", modifiersError("Service " + service + " is missing or has no address, and networkIsolation group needs it: apply manifests/40-dns.yaml")
	}
	if err != nil {
		return "", fmt.Errorf("get Service %s: %w", service, err)
	}
	if err := c.fillIn(ctx, use, shipped, dns.Spec.ClusterIP, mapped); err != nil {
		return "", err
	}
	return use.group, nil
}

// fillIn makes the ConfigMap of group hold the address of our DNS, and what the test maps. The rest of it has to be as it was shipped: the fence lets the
// controller change nothing else, for whoever writes these rules has Velero make anything of anything. The error is a
// modifiersError if it is not.
func (c *Controller) fillIn(ctx context.Context, use modifierSet, shipped rules, dns, mapped string) error {
	where := c.options.VeleroNamespace + "/" + use.group
	configMaps := c.kube.CoreV1().ConfigMaps(c.options.VeleroNamespace)
	have, err := configMaps.Get(ctx, use.group, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return modifiersError("ConfigMap " + where + " is missing: apply " + use.groupFile)
	}
	if err != nil {
		return fmt.Errorf("get ConfigMap %s: %w", where, err)
	}
	key, _, err := parse(have.Data)
	var text string
	if err == nil {
		text, err = address(have.Data[key], dns)
	}
	if err == nil {
		err = isGroup(text, shipped, dns, c.options.ClusterDomain)
	}
	if err == nil {
		text, err = withMappings(text, mapped)
	}
	if err != nil {
		return modifiersError(fmt.Sprintf("ConfigMap %s is not as it was shipped (%v): apply %s", where, err, use.groupFile))
	}
	return c.write(ctx, have, key, text)
}

// write makes text stand under key of have, a ConfigMap of modifiers. The error is a mappedError if that has to wait.
func (c *Controller) write(ctx context.Context, have *corev1.ConfigMap, key, text string) error {
	if text == have.Data[key] {
		return nil
	}
	if mappingsOf(text) != mappingsOf(have.Data[key]) {
		if err := c.allRead(ctx, have); err != nil {
			return err
		}
	}
	have = have.DeepCopy()
	have.Data[key] = text
	if _, err := c.kube.CoreV1().ConfigMaps(have.Namespace).Update(ctx, have, metav1.UpdateOptions{FieldManager: controller.FieldManager(controller.Restore)}); err != nil {
		return fmt.Errorf("write ConfigMap %s/%s: %w", have.Namespace, have.Name, err)
	}
	return nil
}

// allRead tells whether Velero has read the modifiers that the Restores of ours go by that name rules: it does so when it begins with
// one. All runs share the ConfigMap, and each maps something else. The error is a mappedError if one is left.
func (c *Controller) allRead(ctx context.Context, rules *corev1.ConfigMap) error {
	restores, err := c.client.VeleroV1().Restores(rules.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	for i := range restores.Items {
		r := &restores.Items[i]
		if of := r.Spec.ResourceModifier; of != nil && of.Name == rules.Name && r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy && !velero.Started(r.Status.Phase) {
			return mappedError("Velero has yet to read what Restore " + r.Name + " maps")
		}
	}
	return nil
}

// mappedError tells for what the modifiers of a Restore have to wait.
type mappedError string

func (m mappedError) Error() string { return string(m) }

// rules are resource modifiers as Velero reads them.
type rules struct {
	Version string            `json:"version"`
	Rules   []json.RawMessage `json:"resourceModifierRules"`
}

// parse returns the rules of a ConfigMap of modifiers, but what a test maps, and the key that they stand under. Velero wants one key.
func parse(data map[string]string) (key string, all rules, err error) {
	if len(data) != 1 {
		return "", all, fmt.Errorf("it has %d keys, not one", len(data))
	}
	key = slices.Collect(maps.Keys(data))[0]
	before, after, _ := withoutMappings(data[key])
	if err := yaml.UnmarshalStrict([]byte(before+after), &all); err != nil {
		return "", all, fmt.Errorf("%s: %w", key, err)
	}
	if len(all.Rules) == 0 {
		return "", all, errors.New(key + ": it has no rules")
	}
	return key, all, nil
}

// nameserver is what stands around the address of our DNS. The fence looks for the same.
const nameserver, nameserverEnd = "nameservers: [", "]"

// address puts the address of our DNS where it belongs in text.
func address(text, dns string) (string, error) {
	parts := strings.Split(text, nameserver)
	if len(parts) != 2 || !strings.Contains(parts[1], nameserverEnd) {
		return "", fmt.Errorf("it does not have one %q", nameserver+"...")
	}
	return parts[0] + nameserver + strconv.Quote(dns) + parts[1][strings.Index(parts[1], nameserverEnd):], nil
}

// isGroup tells what text is other than the shipped rules and one more, by which pods ask our DNS; nil if it is that.
func isGroup(text string, shipped rules, dns, domain string) error {
	_, have, err := parse(map[string]string{"rules.yaml": text})
	if err != nil {
		return err
	}
	last := len(have.Rules) - 1
	if have.Version != shipped.Version || !slices.EqualFunc(have.Rules[:last], shipped.Rules, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		return errors.New("its rules are not those of the ConfigMap for strict isolation and one more")
	}
	var rule struct {
		Conditions   map[string]any      `json:"conditions"`
		MergePatches []map[string]string `json:"mergePatches"`
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(have.Rules[last], &rule); err != nil || len(rule.MergePatches) != 1 {
		return errors.New("its last rule is not one merge patch")
	}
	if err := yaml.UnmarshalStrict([]byte(rule.MergePatches[0]["patchData"]), &pod); err != nil {
		return fmt.Errorf("its last rule: %w", err)
	}
	want := corev1.Pod{Spec: corev1.PodSpec{DNSPolicy: corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{
		Nameservers: []string{dns}, Searches: []string{"svc." + domain}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}},
	}}}
	if !equality.Semantic.DeepEqual(rule.Conditions, map[string]any{"groupResource": "pods"}) || !equality.Semantic.DeepEqual(pod, want) {
		return fmt.Errorf("its last rule does not have pods ask one nameserver for names in svc.%s; that domain is the controller's flag --cluster-domain", domain)
	}
	return nil
}
