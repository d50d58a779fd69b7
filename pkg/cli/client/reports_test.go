package client

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func TestTestsByNameOrAll(t *testing.T) {
	named := func(namespace, name string) *v1alpha1.RestoreTest {
		return &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	c := Clients{Kymaros: fake.NewClientset(named("web", "blog"), named("web", "shop"), named("data", "lake"))}
	for what, tt := range map[string]struct {
		namespace string
		names     []string
		want      []string
	}{
		"those that are named, in their order": {"web", []string{"shop", "blog"}, []string{"shop", "blog"}},
		"one, and no other":                    {"web", []string{"shop"}, []string{"shop"}},
		"all of a namespace":                   {"web", nil, []string{"blog", "shop"}},
		"all":                                  {"", nil, []string{"blog", "lake", "shop"}},
	} {
		all, err := c.Tests(t.Context(), tt.namespace, "", tt.names...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rt := range all {
			got = append(got, rt.Name)
		}
		if tt.names == nil {
			slices.Sort(got)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", what, got, tt.want)
		}
	}
	if _, err := c.Tests(t.Context(), "web", "", "gone"); err == nil {
		t.Error("one that does not exist is no error")
	}
}
