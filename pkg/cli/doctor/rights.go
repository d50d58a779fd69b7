package doctor

import (
	"context"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// needed are the rights of the verbs that change something or that most need.
var needed = []struct {
	verb, group, resource string
	velero                bool
	why                   string
}{
	{"patch", "restore.kymaros.io", "restoretests", false, "run"},
	{"create", "restore.kymaros.io", "restoretests", false, "init --apply, run --backup"},
	{"list", "restore.kymaros.io", "restorereports", false, "report, history, compare"},
	{"get", "velero.io", "backups", true, "last-good"},
	{"delete", "", "namespaces", false, "cleanup --yes"},
}

func (g gatherer) rights(ctx context.Context) error {
	g.Missing = map[string]string{}
	for _, n := range needed {
		attributes := &authorizationv1.ResourceAttributes{Verb: n.verb, Group: n.group, Resource: n.resource}
		if n.velero {
			attributes.Namespace = g.Seen.Velero
		}
		review, err := g.c.Kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
			&authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: attributes}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if !review.Status.Allowed {
			g.Missing[n.verb+" "+strings.TrimSuffix(n.resource+"."+n.group, ".")] = n.why
		}
	}
	return nil
}
