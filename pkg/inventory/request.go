package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

const (
	// RequestName is the name of all DownloadRequests of a process. What stands in the status of one is a key to a backup: by the name
	// RBAC keeps from us those that administrators make.
	RequestName = "kymaros-inventory"
	// ProbersRequestName is that of the process which brings no backup into a sandbox, where there are two.
	ProbersRequestName = "kymaros-inventory-prober"
	// fieldManager is who makes them.
	fieldManager = "kymaros-inventory"
	// silence is how long nobody asks after Velero has left a request unanswered: those in line would only wait in vain, one after
	// another.
	silence = time.Minute
)

// turnToAsk waits until nobody else has a request. done must be called when there is none any more, with the error of who had one. It
// fails if Velero does not answer others.
func (v *velero) turnToAsk(ctx context.Context) (done func(error), err error) {
	select {
	case v.asking <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if since := time.Since(v.silent); since < silence {
		<-v.asking
		return nil, errors.New("it does not answer the requests of other runs; see whether Velero runs")
	}
	return func(err error) {
		if errors.Is(err, errSilent) {
			v.silent = time.Now()
		}
		<-v.asking
	}, nil
}

// errSilent: Velero leaves a request unanswered.
var errSilent = errors.New("no answer in time; see whether Velero runs")

// listAddress returns where the list of a backup can be fetched. Its request is deleted at once.
func (v *velero) listAddress(ctx context.Context, rt *v1alpha1.RestoreTest, backup string) (string, error) {
	requests := v.client.VeleroV1().DownloadRequests(v.namespace)
	r, err := v.request(ctx, rt, backup)
	if err != nil {
		return "", err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		_ = requests.Delete(ctx, r.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &r.UID}})
	}()
	changes, err := requests.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + r.Name, ResourceVersion: r.ResourceVersion})
	if err != nil {
		return "", err
	}
	defer changes.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", errSilent
		case change, ok := <-changes.ResultChan():
			if !ok || change.Type == watch.Deleted || change.Type == watch.Error {
				return "", errors.New("the request was lost")
			}
			if now, ok := change.Object.(*velerov1.DownloadRequest); ok && now.Status.DownloadURL != "" {
				return now.Status.DownloadURL, isListOf(backup, now.Status.DownloadURL)
			}
		}
	}
}

// request makes our request. One that a crash has left behind goes first.
func (v *velero) request(ctx context.Context, rt *v1alpha1.RestoreTest, backup string) (*velerov1.DownloadRequest, error) {
	requests := v.client.VeleroV1().DownloadRequests(v.namespace)
	create := func() (*velerov1.DownloadRequest, error) {
		return requests.Create(ctx, &velerov1.DownloadRequest{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: v.namespace, Name: v.requestName, Labels: names.Labels(rt, ""), Annotations: names.Annotations(rt),
			},
			Spec: velerov1.DownloadRequestSpec{Target: velerov1.DownloadTarget{Kind: velerov1.DownloadTargetKindBackupResourceList, Name: backup}},
		}, metav1.CreateOptions{FieldManager: fieldManager})
	}
	r, err := create()
	if !apierrors.IsAlreadyExists(err) {
		return r, err
	}
	left, err := requests.Get(ctx, v.requestName, metav1.GetOptions{})
	if err == nil && left.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
		return nil, fmt.Errorf("DownloadRequest %s in namespace %s has our name and is not ours; delete it", v.requestName, v.namespace)
	}
	if err == nil {
		err = requests.Delete(ctx, v.requestName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &left.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) { // Velero deletes those that have expired
		return nil, err
	}
	return create()
}

// isListOf fails unless an address is that of the list of backup. Velero writes its answers by the name of the request: one
// that comes late, to a request that was deleted unanswered, stands in the next.
func isListOf(backup, address string) error {
	readable, err := url.QueryUnescape(address)
	if err != nil {
		return errors.New("it gave out an address that cannot be read")
	}
	if !strings.Contains(readable, "/"+backup+"-resource-list.json.gz") {
		return errors.New("it gave out the address of something else")
	}
	return nil
}
