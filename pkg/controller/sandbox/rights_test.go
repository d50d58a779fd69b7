package sandbox

import (
	"errors"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestABindingThatMentionsASandboxKeepsItFromBeingMade(t *testing.T) {
	sources := test().Status.Run.Spec.BackupSource.Namespaces // the second is restored into my-db
	account := func(namespace string) rbacv1.Subject {
		return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: "default"}
	}
	group := func(name string) rbacv1.Subject { return rbacv1.Subject{Kind: "Group", Name: name} }
	user := func(name string) rbacv1.Subject { return rbacv1.Subject{Kind: "User", Name: name} }
	for name, c := range map[string]struct {
		subjects []rbacv1.Subject
		refused  bool
	}{
		"a ServiceAccount in it":                  {[]rbacv1.Subject{account("my-db")}, true},
		"it beside others":                        {[]rbacv1.Subject{user("jane"), account("default"), account("my-db")}, true},
		"all ServiceAccounts in it":               {[]rbacv1.Subject{group("system:serviceaccounts:my-db")}, true},
		"a ServiceAccount in it by its user name": {[]rbacv1.Subject{user("system:serviceaccount:my-db:default")}, true},
		"nobody":                                       {nil, false},
		"a ServiceAccount in another namespace":        {[]rbacv1.Subject{account("my-db-2")}, false},
		"a ServiceAccount of that name elsewhere":      {[]rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: "my-db"}}, false},
		"all ServiceAccounts in another namespace":     {[]rbacv1.Subject{group("system:serviceaccounts:my-db-2")}, false},
		"all ServiceAccounts of the cluster":           {[]rbacv1.Subject{group("system:serviceaccounts")}, false},
		"a user of another namespace":                  {[]rbacv1.Subject{user("system:serviceaccount:my-db-2:default")}, false},
		"people who are called as the namespace is":    {[]rbacv1.Subject{user("my-db"), group("my-db")}, false},
		"a ServiceAccount in the source, which stays":  {[]rbacv1.Subject{account("db")}, false},
		"a ServiceAccount of no namespace, as unnamed": {[]rbacv1.Subject{account("")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := entitled(sources, "RoleBinding prod/old", c.subjects)
			if (got != nil) != c.refused {
				t.Fatalf("got %+v", got)
			}
			if got == nil {
				return
			}
			for _, want := range []string{"RoleBinding prod/old", `"my-db"`, "delete the binding", "spec.backupSource.namespaces[1].sandboxName"} {
				if got.reason != v1alpha1.ReasonRejected || !strings.Contains(got.message, want) {
					t.Errorf("got %+v, want %q in it", got, want)
				}
			}
		})
	}
}

func TestBindingsAreLookedAtForNamesThatTheTestHasChosen(t *testing.T) {
	mine := []rbacv1.Subject{{Kind: "Group", Name: "system:serviceaccounts:my-db"}}
	role := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "old"}, Subjects: mine}
	cluster := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "old"}, Subjects: mine}
	generated := []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}
	forbidden := apierrors.NewForbidden(rbacv1.Resource("rolebindings"), "", errors.New("no"))
	for name, c := range map[string]struct {
		sources []v1alpha1.SourceNamespace
		objects []runtime.Object
		fails   error
		says    string // empty: no verdict
		err     bool
		asked   int
	}{
		"none gives rights":               {asked: 2},
		"one of a namespace does":         {objects: []runtime.Object{role}, says: "RoleBinding prod/old", asked: 2},
		"one of the cluster does":         {objects: []runtime.Object{role, cluster}, says: "ClusterRoleBinding old", asked: 1},
		"generated names need no look":    {sources: generated, objects: []runtime.Object{role, cluster}},
		"they may not be listed":          {fails: forbidden, says: "may not list rolebindings", asked: 2},
		"the API server has a bad moment": {fails: errors.New("connection refused"), err: true, asked: 2},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(c.objects...)
			if c.fails != nil {
				kube.PrependReactor("list", "rolebindings", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.fails })
			}
			sources := c.sources
			if sources == nil {
				sources = test().Status.Run.Spec.BackupSource.Namespaces
			}
			got, err := (&Controller{kube: kube}).entitled(t.Context(), sources)
			if (err != nil) != c.err || (got != nil) != (c.says != "") || got != nil && !strings.Contains(got.message, c.says) {
				t.Errorf("got %+v, %v", got, err)
			}
			if asked := len(kube.Actions()); asked != c.asked {
				t.Errorf("%d requests, want %d", asked, c.asked)
			}
		})
	}
}
