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
	podCIDR    string
	nft        knftables.Interface
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	// changed holds one token when there may be something new.
	changed chan struct{}
}

// Run enforces policies on the pods of the node, which are in podCIDR, until ctx ends, and then lets all traffic flow. It creates
// readyFile once every object that existed at the start has been taken into account; until then it
// drops all their traffic.
func Run(ctx context.Context, client kubernetes.Interface, podCIDR, readyFile string) error {
	nft, err := knftables.New(knftables.IPv4Family, Table)
	if err != nil {
		return fmt.Errorf("%w: install nftables", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	a := &Agent{
		podCIDR:    podCIDR,
		nft:        nft,
		pods:       factory.Core().V1().Pods().Lister(),
		namespaces: factory.Core().V1().Namespaces().Lister(),
		policies:   factory.Networking().V1().NetworkPolicies().Lister(),
		changed:    make(chan struct{}, 1),
	}
	if err := a.apply(ctx, Ruleset{PodCIDR: podCIDR}); err != nil {
		return err
	}
	defer a.remove() //nolint:contextcheck // the rules go after ctx has ended

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
	var applied *Ruleset
	a.enqueue()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed:
		}
		// An event seldom comes alone: a namespace is deleted with all that is in it.
		time.Sleep(settle)
		begin := time.Now()
		rs, err := a.compile()
		if err != nil {
			return err
		}
		if applied != nil && reflect.DeepEqual(*applied, rs) {
			continue
		}
		if err := a.apply(ctx, rs); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // told to stop in the middle of it
			}
			// What was applied before stays in force, and unknown pods stay cut off.
			logger.Error(err, "Applying rules")
			time.AfterFunc(retry, a.enqueue)
			continue
		}
		logger.Info("Applied rules", "pods", len(rs.Known), "isolatedIngress", len(rs.Ingress), "isolatedEgress", len(rs.Egress),
			"took", time.Since(begin).Round(time.Millisecond))
		if applied == nil {
			if err := os.WriteFile(readyFile, nil, 0o644); err != nil {
				return err
			}
		}
		applied = &rs
	}
}

// enqueue wakes the loop, if it is not about to run anyway.
func (a *Agent) enqueue() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *Agent) compile() (Ruleset, error) {
	var o Objects
	var err error
	if o.Pods, err = a.pods.List(labels.Everything()); err != nil {
		return Ruleset{}, err
	}
	if o.Namespaces, err = a.namespaces.List(labels.Everything()); err != nil {
		return Ruleset{}, err
	}
	if o.Policies, err = a.policies.List(labels.Everything()); err != nil {
		return Ruleset{}, err
	}
	return Compile(a.podCIDR, o), nil
}

func (a *Agent) apply(ctx context.Context, rs Ruleset) error {
	tx := a.nft.NewTransaction()
	Write(tx, rs)
	return a.nft.Run(ctx, tx)
}

// remove deletes the table. The agent's own context has ended by then.
func (a *Agent) remove() {
	tx := a.nft.NewTransaction()
	tx.Add(&knftables.Table{}) // a table that does not exist cannot be deleted
	tx.Delete(&knftables.Table{})
	if err := a.nft.Run(context.Background(), tx); err != nil {
		klog.ErrorS(err, "Removing the rules")
	}
}
