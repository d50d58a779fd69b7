package netpol

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/knftables"
)

const (
	// settle is how long the agent waits for further events before it acts on the first one.
	settle = 20 * time.Millisecond
	// retry is how long it waits after nft has failed.
	retry = 200 * time.Millisecond
)

// Agent keeps the packet filter of the network namespace it runs in as the cluster's policies say.
type Agent struct {
	tables     []table
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	// changed holds one token when there may be something new.
	changed chan struct{}
}

// table is what holds the rules of one IP family.
type table struct {
	podCIDR string
	nft     knftables.Interface
	// applied is what it holds; nil before the first.
	applied *Ruleset
}

// newTable returns that of the IP family of podCIDR.
func newTable(podCIDR string) (table, error) {
	family := knftables.IPv4Family
	if (Ruleset{PodCIDR: podCIDR}).protocol() == "ip6" {
		family = knftables.IPv6Family
	}
	nft, err := knftables.New(family, Table)
	if err != nil {
		return table{}, fmt.Errorf("%w: install nftables", err)
	}
	return table{podCIDR: podCIDR, nft: nft}, nil
}

// Run enforces policies on the pods of the node, which are in podCIDRs, one for each IP family, until ctx ends, and then lets all
// traffic flow. It creates readyFile once every object that existed at the start has been taken into account; until then it drops all
// their traffic.
func Run(ctx context.Context, client kubernetes.Interface, podCIDRs []string, readyFile string) error {
	var tables []table
	for _, podCIDR := range podCIDRs {
		t, err := newTable(podCIDR)
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	a := &Agent{
		tables:     tables,
		pods:       factory.Core().V1().Pods().Lister(),
		namespaces: factory.Core().V1().Namespaces().Lister(),
		policies:   factory.Networking().V1().NetworkPolicies().Lister(),
		changed:    make(chan struct{}, 1),
	}
	defer a.remove() //nolint:contextcheck // the rules go after ctx has ended
	for i := range a.tables {
		if err := a.tables[i].apply(ctx, Ruleset{PodCIDR: a.tables[i].podCIDR}); err != nil {
			return err
		}
	}

	var synced []cache.InformerSynced
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(),
		factory.Core().V1().Namespaces().Informer(),
		factory.Networking().V1().NetworkPolicies().Informer(),
	} {
		reg, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { a.enqueue() },
			UpdateFunc: func(any, any) { a.enqueue() },
			DeleteFunc: func(any) { a.enqueue() },
		})
		if err != nil {
			return err
		}
		synced = append(synced, reg.HasSynced)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil
	}
	return a.loop(ctx, readyFile)
}

// loop applies the rules whenever they differ from what was applied last.
func (a *Agent) loop(ctx context.Context, readyFile string) error {
	logger := klog.FromContext(ctx)
	ready := false
	a.enqueue()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed:
		}
		// An event seldom comes alone: a namespace is deleted with all that is in it.
		time.Sleep(settle)
		o, err := a.objects()
		if err != nil {
			return err
		}
		failed := false
		for i := range a.tables {
			if err := a.tables[i].update(ctx, o); err != nil {
				// What was applied before stays in force, and unknown pods stay cut off.
				failed = true
				logger.Error(err, "Applying rules")
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop in the middle of it
		case failed:
			time.AfterFunc(retry, a.enqueue)
		case !ready:
			if err := os.WriteFile(readyFile, nil, 0o644); err != nil {
				return err
			}
			ready = true
		}
	}
}

// update applies the rules unless they are in force.
func (t *table) update(ctx context.Context, o Objects) error {
	begin := time.Now()
	rs := Compile(t.podCIDR, o)
	if t.applied != nil && reflect.DeepEqual(*t.applied, rs) {
		return nil
	}
	if err := t.apply(ctx, rs); err != nil {
		return err
	}
	klog.FromContext(ctx).Info("Applied rules", "family", rs.protocol(), "pods", len(rs.Known), "isolatedIngress", len(rs.Ingress),
		"isolatedEgress", len(rs.Egress), "took", time.Since(begin).Round(time.Millisecond))
	t.applied = &rs
	return nil
}

// enqueue wakes the loop, if it is not about to run anyway.
func (a *Agent) enqueue() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *Agent) objects() (o Objects, err error) {
	if o.Pods, err = a.pods.List(labels.Everything()); err != nil {
		return o, err
	}
	if o.Namespaces, err = a.namespaces.List(labels.Everything()); err != nil {
		return o, err
	}
	o.Policies, err = a.policies.List(labels.Everything())
	return o, err
}

func (t *table) apply(ctx context.Context, rs Ruleset) error {
	tx := t.nft.NewTransaction()
	Write(tx, rs)
	return t.nft.Run(ctx, tx)
}

// remove deletes the tables. The agent's own context has ended by then.
func (a *Agent) remove() {
	for _, t := range a.tables {
		tx := t.nft.NewTransaction()
		tx.Add(&knftables.Table{}) // a table that does not exist cannot be deleted
		tx.Delete(&knftables.Table{})
		if err := t.nft.Run(context.Background(), tx); err != nil {
			klog.ErrorS(err, "Removing the rules")
		}
	}
}
