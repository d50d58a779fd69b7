package notify

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

// send puts into lanes what waits, the first of each channel, and returns when to look again. Only what rt shows is sent: what was decided
// just now is in the next version of it, if it was written at all.
func (c *Controller) send(ctx context.Context, rt *v1alpha1.RestoreTest, s *seen, now *v1alpha1.NotificationsStatus) (again time.Duration) {
	pending, busy := map[string]bool{}, map[string]bool{}
	if rt.Status.Notifications == nil {
		return 0
	}
	for i := range rt.Status.Notifications.Deliveries {
		d := &rt.Status.Notifications.Deliveries[i]
		if d.State != v1alpha1.DeliveryPending {
			continue
		}
		pending[d.ID] = true
		if s.silence.on || busy[d.Channel] || !waits(now, d.ID) {
			continue
		}
		busy[d.Channel] = true
		tried, wait, ok := c.attempts.start(rt.UID, d.ID, d.Attempts, s.now)
		again = sooner(again, wait)
		if ok {
			c.fly(ctx, rt, d, find(s.channels, d.Channel), tried)
		}
	}
	c.attempts.keep(rt.UID, pending)
	return again
}

// waits tells whether a delivery is still to be sent.
func waits(now *v1alpha1.NotificationsStatus, id string) bool {
	for i := range now.Deliveries {
		if now.Deliveries[i].ID == id {
			return now.Deliveries[i].State == v1alpha1.DeliveryPending
		}
	}
	return false
}

// fly puts an attempt into the lane of its receiver.
func (c *Controller) fly(ctx context.Context, rt *v1alpha1.RestoreTest, d *v1alpha1.NotificationDelivery, to *channel, tried int32) {
	lane := to.key
	if !to.installation {
		lane = rt.Namespace + "/" + lane
	}
	key, id := cache.MetaObjectToName(rt), d.ID
	c.lanes.add(ctx, lane, job{again: tried > 0, run: func(ctx context.Context) time.Duration {
		defer c.runner.Queue.Add(key)
		now, d, to := c.still(key, id)
		if now == nil || now.UID != rt.UID {
			c.attempts.drop(rt.UID, id)
			return 0
		}
		err := c.attempt(ctx, now, d, to)
		asked := c.land(ctx, now, d, to, tried+1, err)
		return asked
	}})
}

// still returns the delivery and its channel, if it is to be sent when its turn has come. That may be long after it went into its lane.
func (c *Controller) still(key cache.ObjectName, id string) (*v1alpha1.RestoreTest, *v1alpha1.NotificationDelivery, *channel) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if err != nil || rt.DeletionTimestamp != nil || rt.Status.Notifications == nil || silenceOf(rt, time.Now()).on {
		return nil, nil, nil
	}
	for i := range rt.Status.Notifications.Deliveries {
		d := &rt.Status.Notifications.Deliveries[i]
		if d.ID != id || d.State != v1alpha1.DeliveryPending {
			continue
		}
		if to := find(channelsOf(rt.Spec.Notifications, c.defaults.get()), d.Channel); to != nil {
			return rt, d, to
		}
	}
	return nil, nil, nil
}

// attempt sends d to its channel, with what the Secret holds now.
func (c *Controller) attempt(ctx context.Context, rt *v1alpha1.RestoreTest, d *v1alpha1.NotificationDelivery, to *channel) error {
	reading, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	receiver, err := c.secrets.receiver(reading, rt.Namespace, to, c.defaults.from)
	if err != nil {
		return err
	}
	return c.sender.Send(ctx, receiver, c.about.message(rt, d))
}

// land notes how an attempt ended, and returns how long the receiver asks to be left alone.
func (c *Controller) land(ctx context.Context, rt *v1alpha1.RestoreTest, d *v1alpha1.NotificationDelivery, to *channel, attempts int32, err error) time.Duration {
	now := time.Now()
	t := try{attempts: attempts, sent: err == nil, at: now}
	var asked time.Duration
	outcome := metrics.NotificationSent
	if err != nil {
		var failure *notify.SendError
		var before *secretError
		switch {
		case errors.As(err, &failure):
			t.problem, t.permanent, asked = failure.Error(), failure.Permanent, min(failure.RetryAfter, longestAsked)
		case errors.As(err, &before):
			t.problem, t.permanent = before.text, before.permanent
		default:
			t.problem = "it could not be sent" // the words of others may hold an address
		}
		outcome = metrics.NotificationRetried
		if t.permanent || now.Sub(d.DecidedAt.Time) >= c.deadline {
			outcome = metrics.NotificationUndeliverable
		}
	}
	metrics.Notified(to.spec.Type, outcome)
	klog.FromContext(ctx).V(2).Info("Tried to tell", "restoretest", klog.KObj(rt), "id", d.ID, "channel", d.Channel, "attempt", attempts, "outcome", outcome, "problem", t.problem)
	c.attempts.land(rt.UID, d.ID, t, now.Add(pause(attempts, asked)))
	return asked
}
