package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/pkg/canary"
)

// actor is somebody who writes.
type actor struct {
	user  string
	pod   string // that the token is bound to
	group string
}

var (
	controllerSA  = "system:serviceaccount:" + systemNamespace + ":kymaros-controller"
	theController = actor{user: controllerSA, pod: "kymaros-controller-7d9f"}
	theProber     = actor{user: "system:serviceaccount:" + systemNamespace + ":kymaros-prober", pod: "kymaros-prober-6f5c"}
	unboundToken  = actor{user: controllerSA}
	otherPod      = actor{user: controllerSA, pod: "shell"}
	theDNS        = actor{user: "system:serviceaccount:" + systemNamespace + ":kymaros-dns", pod: "kymaros-dns-5c4b"}
	theAPI        = actor{user: "system:serviceaccount:" + systemNamespace + ":kymaros-api", pod: "kymaros-api-6c8d"}
	theNotify     = actor{user: "system:serviceaccount:" + systemNamespace + ":kymaros-notify", pod: "kymaros-notify-7f4d"}
	theArchive    = actor{user: "system:serviceaccount:" + systemNamespace + ":kymaros-archive", pod: "kymaros-archive-5d6c"}
	theGuide      = actor{user: "system:serviceaccount:" + canary.TargetNamespace + ":kymaros-canary-guide", pod: "canary-guide-6b9f"}
	theVelero     = actor{user: "system:serviceaccount:" + veleroNamespace + ":velero"}
	chartsVelero  = actor{user: "system:serviceaccount:" + veleroNamespace + ":velero-server"} // as the Helm chart names it
	administrator = actor{}
	tester        = actor{user: "tester"}  // may write tests, and read some Secrets
	checker       = actor{user: "checker"} // may write policies, and no tests
	owner         = actor{user: "owner"}   // may do everything in the namespaces that are ours or Velero's, and nothing elsewhere
	replicas      = clusterController("replicaset-controller")
	statefulSets  = clusterController("statefulset-controller")
	daemonSets    = clusterController("daemon-set-controller")
	emptier       = clusterController("namespace-controller")
	counter       = clusterController("resourcequota-controller")
	aws           = clusterController("amazon-network-policy-controller")
	// By its group only: what else holds of a node's name the API server sees to.
	node = actor{user: "kubelet", group: "system:nodes"}
)

func clusterController(name string) actor {
	return actor{user: "system:serviceaccount:kube-system:" + name}
}

// attempt is one request. Nothing of it stays: it is a dry run, or connects to a pod that runs nowhere.
type attempt struct {
	verb      string // create, patch, put, delete, deletecollection, connect, get, list or watch
	resource  schema.GroupVersionResource
	sub       string
	namespace string
	name      string
	body      string // YAML: the object, or a merge patch; put merges it into what there is
	asks      string // connect: stdin or tty, if it asks for one
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func at(path string) schema.GroupVersionResource {
	parts := strings.Split(path, "/")
	return schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
}

var (
	namespaces   = core("namespaces")
	netpols      = at("networking.k8s.io/v1/networkpolicies")
	restoretests = at("restore.kymaros.io/v1alpha1/restoretests")
	reportsGVR   = at("restore.kymaros.io/v1alpha1/restorereports")
	checkpolicy  = at("restore.kymaros.io/v1alpha1/healthcheckpolicies")
	restores     = at("velero.io/v1/restores")
	downloads    = at("velero.io/v1/downloadrequests")
)

func creates(resource schema.GroupVersionResource, namespace, body string) attempt {
	return attempt{verb: "create", resource: resource, namespace: namespace, body: body}
}

// patches takes "namespace/name", or a name.
func patches(resource schema.GroupVersionResource, what, body string) attempt {
	namespace, name := split(what)
	return attempt{verb: "patch", resource: resource, namespace: namespace, name: name, body: body}
}

func deletes(resource schema.GroupVersionResource, what string) attempt {
	namespace, name := split(what)
	return attempt{verb: "delete", resource: resource, namespace: namespace, name: name}
}

func deletesAll(resource schema.GroupVersionResource, namespace string) attempt {
	return attempt{verb: "deletecollection", resource: resource, namespace: namespace}
}

func connects(sub, what string) attempt {
	namespace, name := split(what)
	return attempt{verb: "connect", resource: core("pods"), sub: sub, namespace: namespace, name: name}
}

// asking has a connection ask for stdin or tty.
func (a attempt) asking(what string) attempt {
	a.asks = what
	return a
}

func (a attempt) on(sub string) attempt {
	a.sub = sub
	return a
}

func (a attempt) put() attempt {
	a.verb = "put"
	return a
}

func split(what string) (namespace, name string) {
	namespace, name, found := strings.Cut(what, "/")
	if !found {
		return "", what
	}
	return namespace, name
}

// asked are the clients of an actor.
type asked struct {
	objects dynamic.Interface
	kube    kubernetes.Interface
}

func as(who actor) (asked, error) {
	config := configOf(who)
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		return asked{}, err
	}
	k, err := kubernetes.NewForConfig(config)
	return asked{d, k}, err
}

func configOf(who actor) *rest.Config {
	config := rest.CopyConfig(admin)
	if who.user != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: who.user}
		if who.pod != "" {
			config.Impersonate.Extra = map[string][]string{"authentication.kubernetes.io/pod-name": {who.pod}}
		}
		if who.group != "" {
			config.Impersonate.Groups = []string{who.group}
		}
	}
	return config
}

// try makes the attempt and returns the server's answer.
func (a attempt) try(ctx context.Context, c asked) error {
	resource := dynamic.ResourceInterface(c.objects.Resource(a.resource))
	if a.namespace != "" {
		resource = c.objects.Resource(a.resource).Namespace(a.namespace)
	}
	var sub []string
	if a.sub != "" {
		sub = []string{a.sub}
	}
	dry := []string{metav1.DryRunAll}
	body := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal([]byte(a.body), &body.Object); err != nil {
		return fmt.Errorf("%w in: %s", err, a.body)
	}
	switch a.verb {
	case "create":
		_, err := resource.Create(ctx, body, metav1.CreateOptions{DryRun: dry}, sub...)
		return err
	case "patch":
		patch, err := json.Marshal(body.Object)
		if err != nil {
			return err
		}
		_, err = resource.Patch(ctx, a.name, types.MergePatchType, patch, metav1.PatchOptions{DryRun: dry}, sub...)
		return err
	case "put":
		whose := dynamic.ResourceInterface(objects.Resource(a.resource))
		if a.namespace != "" {
			whose = objects.Resource(a.resource).Namespace(a.namespace)
		}
		now, err := whose.Get(ctx, a.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		merge(now.Object, body.Object)
		_, err = resource.Update(ctx, now, metav1.UpdateOptions{DryRun: dry}, sub...)
		return err
	case "get", "list", "watch":
		return a.read(ctx, resource)
	case "delete":
		return resource.Delete(ctx, a.name, metav1.DeleteOptions{DryRun: dry}, sub...)
	case "deletecollection":
		return resource.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: dry}, metav1.ListOptions{})
	case "connect":
		request := c.kube.CoreV1().RESTClient().Post().Namespace(a.namespace).Resource(a.resource.Resource).Name(a.name).SubResource(a.sub).
			Param("command", "true").Param("container", "")
		if a.asks != "" {
			request = request.Param(a.asks, "true")
		}
		err := request.Do(ctx).Error()
		if apierrors.IsForbidden(err) {
			return err
		}
		return nil // admitted: no kubelet has the pod
	}
	return errors.New("no verb " + a.verb)
}

// read asks for the object or for all. That it is not there is an answer, too, and that the cluster has no such kind: rights are asked
// for before.
func (a attempt) read(ctx context.Context, resource dynamic.ResourceInterface) error {
	switch a.verb {
	case "get":
		if _, err := resource.Get(ctx, a.name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	case "list":
		if _, err := resource.List(ctx, metav1.ListOptions{Limit: 1}); !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	}
	var one metav1.ListOptions
	if a.name != "" {
		one.FieldSelector = "metadata.name=" + a.name
	}
	changes, err := resource.Watch(ctx, one)
	if err == nil {
		changes.Stop()
	}
	return err
}

const (
	allowed = "allowed"
	byRBAC  = "RBAC"
)

var policyName = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)`)

// outcome tells who refused: a policy by its name, RBAC, or nobody. Anything else is an error, for such a row would prove
// nothing.
func outcome(err error) (string, error) {
	if err == nil || apierrors.IsAlreadyExists(err) { // that comes after admission
		return allowed, nil
	}
	if found := policyName.FindStringSubmatch(err.Error()); found != nil {
		if !strings.HasPrefix(found[2], "kymaros fence: ") {
			return found[1], fmt.Errorf("a policy fails instead of refusing: %s", found[2])
		}
		return found[1], nil
	}
	if apierrors.IsForbidden(err) && (strings.Contains(err.Error(), `" cannot `) || strings.Contains(err.Error(), "is attempting to grant RBAC permissions")) {
		return byRBAC, nil
	}
	return "", err
}
