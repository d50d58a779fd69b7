package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// pending returns what is to be sent, "channel: event also …".
func pending(n *v1alpha1.NotificationsStatus) []string {
	var all []string
	if n == nil {
		return nil
	}
	for _, d := range n.Deliveries {
		if d.State != v1alpha1.DeliveryPending {
			continue
		}
		said := d.Channel + ": " + string(d.Event)
		for _, e := range d.Also {
			said += " " + string(e)
		}
		all = append(all, said)
	}
	return all
}

func TestWhoIsToldOfWhat(t *testing.T) {
	const pass, fail, partial, inconclusive = v1alpha1.ResultPass, v1alpha1.ResultFail, v1alpha1.ResultPartial, v1alpha1.ResultInconclusive
	both := func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Notifications.OnSuccess = []v1alpha1.NotificationChannel{slack}
	}
	for name, c := range map[string]struct {
		rt   *v1alpha1.RestoreTest
		want []string
	}{
		"a failed run is told to onFailure":                                {ended(fail, pass, knew()), []string{slackKey + ": failed"}},
		"a partial run is":                                                 {ended(partial, pass, knew()), []string{slackKey + ": partial"}},
		"so is one that has shown nothing":                                 {ended(inconclusive, pass, knew()), []string{slackKey + ": partial"}},
		"a run that passed is told to onSuccess":                           {ended(pass, pass, knew()), []string{pagerKey + ": verified"}},
		"a run that was told is not told again":                            {ended(fail, pass, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), nil},
		"who was told of a failure is told of the recovery":                {ended(pass, fail, knew(toldOf(slackKey, "failed"))), []string{slackKey + ": recovered", pagerKey + ": verified"}},
		"who was not is not":                                               {ended(pass, fail, knew(toldOf("slack/other", "failed"))), []string{pagerKey + ": verified"}},
		"a channel of both lists gets one message":                         {ended(pass, fail, both, knew(toldOf(slackKey, "failed"))), []string{slackKey + ": recovered verified"}},
		"a score that fell by more than is allowed is told":                {ended(partial, pass, scores(95, 84), knew()), []string{slackKey + ": partial regressed"}},
		"one that fell by as much as is allowed is not":                    {ended(partial, pass, scores(95, 85), knew()), []string{slackKey + ": partial"}},
		"a run that passed and fell recovers nobody":                       {ended(pass, pass, scores(100, 89), knew(toldOf(slackKey, "failed"))), []string{slackKey + ": regressed", pagerKey + ": verified"}},
		"a recovery that took too long is told where the test asks for it": {ended(pass, pass, tooSlow(true), knew()), []string{slackKey + ": rtoExceeded", pagerKey + ": verified"}},
		"and not where it does not":                                        {ended(pass, pass, tooSlow(false), knew()), []string{pagerKey + ": verified"}},
		"what is left of a run is in the message of its verdict":           {ended(pass, pass, leaked, knew()), []string{slackKey + ": leaked", pagerKey + ": verified"}},
		"and below what is worse":                                          {ended(fail, pass, leaked, scores(95, 10), knew()), []string{slackKey + ": failed leaked regressed"}},
		"a verdict waits for the cleanup":                                  {ended(fail, pass, uncleaned, knew(), func(rt *v1alpha1.RestoreTest) { rt.Status.LastRunAt = new(at(-1)) }), nil},
		"but not for long":                                                 {ended(fail, pass, uncleaned, knew()), []string{slackKey + ": failed"}},
		"what is left is told alone if the verdict was told before":        {ended(fail, pass, leaked, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), []string{slackKey + ": leaked"}},
		"and once":                                                   {ended(fail, pass, leaked, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID, n.LeakedRunID = runID, runID })), nil},
		"the end of a search is told":                                {ended(fail, fail, searched(v1alpha1.SearchFound, "monday"), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), []string{slackKey + ": lastGoodChanged"}},
		"that it found none is":                                      {ended(fail, fail, searched(v1alpha1.SearchNotFound, ""), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), []string{slackKey + ": lastGoodChanged"}},
		"not as long as it goes on":                                  {ended(fail, fail, searched(v1alpha1.SearchUnderWay, ""), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), nil},
		"not if it found the same as the last one":                   {ended(fail, fail, searched(v1alpha1.SearchFound, "monday"), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID, n.LastGood = runID, "monday" })), nil},
		"not after a run that passed":                                {ended(pass, fail, searched(v1alpha1.SearchFound, "monday"), knew(func(n *v1alpha1.NotificationsStatus) { n.LastGood = "tuesday" })), []string{pagerKey + ": verified"}},
		"onlyChanges leaves out a failure that the channel knows of": {ended(fail, fail, onlyChanges, knew(toldOf(slackKey, "failed"))), nil},
		"not one that it does not know of":                           {ended(fail, fail, onlyChanges, knew()), []string{slackKey + ": failed"}},
		"not one that is of another kind":                            {ended(partial, fail, onlyChanges, knew(toldOf(slackKey, "failed"))), []string{slackKey + ": partial"}},
		"not a score that falls again":                               {ended(partial, partial, onlyChanges, scores(89, 70), knew(toldOf(slackKey, "partial"))), []string{slackKey + ": partial regressed"}},
		"not what the end of the time for a pass comes with":         {ended(fail, fail, onlyChanges, unverified(-2*24*60), knew(toldOf(slackKey, "failed"))), []string{slackKey + ": failed notVerified"}},
		"nor what is left of a run":                                  {ended(fail, fail, onlyChanges, leaked, knew(toldOf(slackKey, "failed"))), []string{slackKey + ": failed leaked"}},
		"not the recovery":                                           {ended(pass, fail, onlyChanges, knew(toldOf(slackKey, "failed"))), []string{slackKey + ": recovered", pagerKey + ": verified"}},
		"and a pass after a pass":                                    {ended(pass, pass, onlyChanges, knew()), nil},
		"the first channel of a test hears of its last run":          {ended(fail, pass), []string{slackKey + ": failed"}},
		"but not of one of long ago":                                 {ended(fail, pass, func(rt *v1alpha1.RestoreTest) { rt.Status.LastRunAt = new(at(-25 * 60)) }), nil},
		"a run that ended while nobody sent anything is told":        {ended(fail, pass, knew(), func(rt *v1alpha1.RestoreTest) { rt.Status.LastRunAt = new(at(-90 * 60)) }), []string{slackKey + ": failed"}},
		"a run that ended before the next one began is told as well": {ended(fail, pass, knew(), func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "next" }), []string{slackKey + ": failed"}},
		"that no run has passed for two intervals is told":           {ended(fail, fail, unverified(-2*24*60), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), []string{slackKey + ": notVerified"}},
		"not a minute before":                                        {ended(fail, fail, unverified(-2*24*60+1), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), nil},
		"with the verdict that comes with it in one message":         {ended(fail, fail, unverified(-2*24*60), knew()), []string{slackKey + ": failed notVerified"}},
		"once":                          {ended(fail, fail, unverified(-3*24*60), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID, n.OverdueSince = runID, new(at(-3*24*60)) })), nil},
		"again after a run that passed": {ended(fail, fail, unverified(-3*24*60), knew(func(n *v1alpha1.NotificationsStatus) { n.RunID, n.OverdueSince = runID, new(at(-9*24*60)) })), []string{slackKey + ": notVerified"}},
		"of a test that never ran since its creation":                          {ended(fail, fail, func(rt *v1alpha1.RestoreTest) { rt.Status = v1alpha1.RestoreTestStatus{} }), []string{slackKey + ": notVerified"}},
		"not of a test that is suspended":                                      {ended(fail, fail, unverified(-3*24*60), func(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend = true }, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID })), nil},
		"a test without channels writes nothing":                               {ended(fail, pass, func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications = nil }), nil},
		"a test that wants none although the installation has some":            {ended(fail, pass, func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications = &v1alpha1.Notifications{} }), nil},
		"who waits to be told of a failure is told of the recovery afterwards": {ended(pass, fail, knew(waiting("failed"))), []string{slackKey + ": failed", slackKey + ": recovered", pagerKey + ": verified"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := look(c.rt)
			p := decide(s)
			if diff := cmp.Diff(c.want, pending(p.status)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if p.status == nil {
				return
			}
			c.rt.Status.Notifications = p.status
			if again := decide(look(c.rt)); !cmp.Equal(p.status, again.status) {
				t.Errorf("a second look finds more (-first +second):\n%s", cmp.Diff(p.status, again.status))
			}
		})
	}
}

// unverified: the last run that passed began so many minutes ago.
func unverified(minutes int) edit {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.PassedAt = new(at(minutes)) }
}

// waiting: a message of the run before waits for its receiver.
func waiting(e v1alpha1.NotificationEvent) func(*v1alpha1.NotificationsStatus) {
	return func(n *v1alpha1.NotificationsStatus) {
		n.Deliveries = append(n.Deliveries, v1alpha1.NotificationDelivery{
			ID: lastID + "." + string(e), Channel: slackKey, Event: e, State: v1alpha1.DeliveryPending, DecidedAt: at(-60), Time: at(-60),
			Facts: &v1alpha1.NotificationFacts{RunID: lastID, Time: at(-60)},
		})
	}
}

func TestIDsOfMessages(t *testing.T) {
	n := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Notifications.OnFailure = append(rt.Spec.Notifications.OnFailure, pager)
	}))).status
	again := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Notifications.OnFailure = []v1alpha1.NotificationChannel{pager, slack} // in another order
	}))).status
	ids := func(n *v1alpha1.NotificationsStatus) []string {
		var all []string
		for _, d := range n.Deliveries {
			all = append(all, d.Channel+" "+d.ID)
		}
		slices.Sort(all)
		return all
	}
	if diff := cmp.Diff(ids(n), ids(again)); diff != "" || len(ids(n)) != 2 {
		t.Errorf("they depend on the order of the channels (-one +other):\n%s", diff)
	}
	for _, d := range n.Deliveries {
		if id := d.ID; !strings.HasPrefix(id, runID+".failed.") || len(id) > 64 {
			t.Errorf("id %q", id)
		}
	}
}

func TestWhatIsNotWrittenIsToldByTheNextLook(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew())
	if first, second := decide(look(rt)), decide(look(rt)); !cmp.Equal(first.status, second.status) {
		t.Errorf("two looks at the same find something else:\n%s", cmp.Diff(first.status, second.status))
	}
	if len(rt.Status.Notifications.Deliveries) > 0 {
		t.Error("the object of the cache was changed")
	}
}

func TestOutcomes(t *testing.T) {
	tried := func(t try) func(*seen) {
		return func(s *seen) { s.tries = map[string]try{lastID + ".failed": t} }
	}
	with := func(attempts int32, problem string) func(*v1alpha1.NotificationsStatus) {
		return func(n *v1alpha1.NotificationsStatus) {
			n.Deliveries[0].Attempts, n.Deliveries[0].LastError = attempts, problem
		}
	}
	for name, c := range map[string]struct {
		with     func(*v1alpha1.NotificationsStatus)
		try      try
		state    v1alpha1.DeliveryState
		attempts int32
		problem  string
		told     []v1alpha1.ToldChannel
		status   metav1.ConditionStatus
		reason   string
	}{
		"sent": {
			with(2, "it was away"), try{attempts: 3, sent: true, at: now}, v1alpha1.DeliverySent, 3, "",
			[]v1alpha1.ToldChannel{{Channel: slackKey, Event: "failed"}}, metav1.ConditionTrue, v1alpha1.ReasonDelivered,
		},
		"failed in a new way":                           {with(8, "it was away"), try{attempts: 9, problem: "it is ill", at: now}, v1alpha1.DeliveryPending, 9, "it is ill", nil, metav1.ConditionUnknown, v1alpha1.ReasonSending},
		"failed in the same way is not worth a request": {with(8, "it is ill"), try{attempts: 9, problem: "it is ill", at: now}, v1alpha1.DeliveryPending, 8, "it is ill", nil, metav1.ConditionUnknown, v1alpha1.ReasonSending},
		"until there were twice as many":                {with(8, "it is ill"), try{attempts: 16, problem: "it is ill", at: now}, v1alpha1.DeliveryPending, 16, "it is ill", nil, metav1.ConditionUnknown, v1alpha1.ReasonSending},
		"no use in trying again":                        {with(0, ""), try{attempts: 1, permanent: true, problem: "it is gone", at: now}, v1alpha1.DeliveryUndeliverable, 1, "it is gone", nil, metav1.ConditionFalse, v1alpha1.ReasonUndeliverable},
		"a Secret cannot be read":                       {with(0, ""), try{attempts: 1, problem: aboutSecret + "hook may not be read", at: now}, v1alpha1.DeliveryPending, 1, "Secret hook may not be read", nil, metav1.ConditionFalse, v1alpha1.ReasonSecretNotReadable},
	} {
		t.Run(name, func(t *testing.T) {
			rt := ended(v1alpha1.ResultFail, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }, waiting("failed"), c.with))
			p := decide(look(rt, tried(c.try)))
			d := p.status.Deliveries[0]
			if d.State != c.state || d.Attempts != c.attempts || d.LastError != c.problem {
				t.Errorf("got %+v", d)
			}
			if (d.Facts == nil) != (d.State != v1alpha1.DeliveryPending) {
				t.Errorf("%s with facts %v", d.State, d.Facts)
			}
			if diff := cmp.Diff(c.told, p.status.Told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if p.condition.Status != c.status || p.condition.Reason != c.reason || !strings.Contains(p.condition.Message, slackKey) || !strings.Contains(p.condition.Message, c.problem) {
				t.Errorf("condition %+v", p.condition)
			}
		})
	}
	t.Run("a recovery that was sent is forgotten", func(t *testing.T) {
		rt := ended(v1alpha1.ResultPass, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }, toldOf(slackKey, "failed"), waiting("recovered")))
		p := decide(look(rt, func(s *seen) { s.tries = map[string]try{lastID + ".recovered": {attempts: 1, sent: true, at: now}} }))
		if len(p.status.Told) > 0 {
			t.Errorf("still told: %v", p.status.Told)
		}
	})
}

func TestTheDeadlineOfADelivery(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }, waiting("failed")))
	before := func(minutes int) plan {
		rt.Status.Notifications.Deliveries[0].DecidedAt = at(-24*60 + minutes)
		return decide(look(rt))
	}
	if p := before(1); p.status.Deliveries[0].State != v1alpha1.DeliveryPending || p.again != time.Minute {
		t.Errorf("a minute before it: %s, look again in %s", p.status.Deliveries[0].State, p.again)
	}
	p := before(0)
	if p.status.Deliveries[0].State != v1alpha1.DeliveryUndeliverable || p.condition.Reason != v1alpha1.ReasonUndeliverable {
		t.Errorf("at it: %+v, %+v", p.status.Deliveries[0], p.condition)
	}
	// The next message that arrives makes up for it.
	rt.Status.Notifications = p.status
	rt.Status.Notifications.RunID = lastID
	rt.Status.Notifications = decide(look(rt)).status
	id := rt.Status.Notifications.Deliveries[1].ID
	p = decide(look(rt, func(s *seen) { s.tries = map[string]try{id: {attempts: 1, sent: true, at: now}} }))
	if p.condition.Status != metav1.ConditionTrue {
		t.Errorf("after one that was sent: %+v", p.condition)
	}
}

func silenced(until string) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Annotations = map[string]string{v1alpha1.AnnotationSilenceUntil: until}
	}
}

func TestSilence(t *testing.T) {
	hour := now.Add(time.Hour).Format(time.RFC3339)
	t.Run("nothing is decided while it lasts, and the condition says so", func(t *testing.T) {
		p := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), silenced(hour))))
		if len(p.status.Deliveries) > 0 || p.status.RunID != lastID || p.again != time.Hour {
			t.Errorf("got %+v, again in %s", p.status, p.again)
		}
		if c := p.condition; c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonSilenced || !strings.Contains(c.Message, hour) {
			t.Errorf("condition %+v", c)
		}
	})
	t.Run("what waits is kept back, and not given up", func(t *testing.T) {
		p := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultFail, silenced(hour), knew(waiting("failed"), func(n *v1alpha1.NotificationsStatus) {
			n.Deliveries[0].DecidedAt = at(-25 * 60)
		}))))
		if p.status.Deliveries[0].State != v1alpha1.DeliveryPending {
			t.Errorf("got %+v", p.status.Deliveries)
		}
	})
	awake := func(rt *v1alpha1.RestoreTest) {
		silenced(now.Format(time.RFC3339))(rt)
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionNotified, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonSilenced})
	}
	t.Run("afterwards what still holds is told, and nothing else", func(t *testing.T) {
		p := decide(look(ended(v1alpha1.ResultPartial, v1alpha1.ResultFail, awake, knew(waiting("failed")))))
		if got := pending(p.status); !slices.Equal(got, []string{slackKey + ": partial"}) {
			t.Errorf("got %v", got)
		}
		if d := p.status.Deliveries[0]; d.State != v1alpha1.DeliveryWithdrawn || d.LastError == "" {
			t.Errorf("what was overtaken: %+v", d)
		}
	})
	t.Run("what waits and still holds has its whole time", func(t *testing.T) {
		rt := ended(v1alpha1.ResultFail, v1alpha1.ResultFail, awake, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }, waiting("failed"), func(n *v1alpha1.NotificationsStatus) {
			n.Deliveries[0].DecidedAt, n.Deliveries[0].Facts.RunID = at(-25*60), runID
		}))
		if d := decide(look(rt)).status.Deliveries[0]; d.State != v1alpha1.DeliveryPending || !d.DecidedAt.Equal(new(at(0))) {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("nor is what was found meanwhile to be over", func(t *testing.T) {
		between := func(e v1alpha1.NotificationEvent, run string) func(*v1alpha1.NotificationsStatus) {
			return func(n *v1alpha1.NotificationsStatus) {
				waiting(e)(n)
				n.RunID, n.Deliveries[0].Facts.RunID = runID, run
			}
		}
		since := at(-3 * 24 * 60)
		for name, c := range map[string]struct {
			event v1alpha1.NotificationEvent
			run   string
			edit  edit
			told  func(*v1alpha1.NotificationsStatus)
			state v1alpha1.DeliveryState
		}{
			"no run has passed still":         {"notVerified", "", unverified(-3 * 24 * 60), func(n *v1alpha1.NotificationsStatus) { n.OverdueSince = &since }, v1alpha1.DeliveryPending},
			"one has":                         {"notVerified", "", unverified(-60), func(n *v1alpha1.NotificationsStatus) { n.OverdueSince = &since }, v1alpha1.DeliveryWithdrawn},
			"the search is the last one":      {"lastGoodChanged", runID, searched(v1alpha1.SearchFound, "monday"), func(n *v1alpha1.NotificationsStatus) { n.LastGood = "monday" }, v1alpha1.DeliveryPending},
			"there is no search any more":     {"lastGoodChanged", runID, func(*v1alpha1.RestoreTest) {}, func(n *v1alpha1.NotificationsStatus) { n.LastGood = "monday" }, v1alpha1.DeliveryWithdrawn},
			"the run is the current one":      {"leaked", runID, func(*v1alpha1.RestoreTest) {}, func(n *v1alpha1.NotificationsStatus) {}, v1alpha1.DeliveryPending},
			"another run has ended meanwhile": {"leaked", lastID, func(*v1alpha1.RestoreTest) {}, func(n *v1alpha1.NotificationsStatus) {}, v1alpha1.DeliveryWithdrawn},
		} {
			p := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultFail, c.edit, awake, knew(between(c.event, c.run), c.told))))
			if d := p.status.Deliveries[0]; d.State != c.state {
				t.Errorf("%s: %s, want %s", name, d.State, c.state)
			}
		}
	})
	t.Run("a value that is no time is said and silences nothing", func(t *testing.T) {
		p := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), silenced("tomorrow"))))
		if got := pending(p.status); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		if !strings.Contains(p.condition.Message, `"tomorrow" is no time such as 2026-01-31T22:00:00Z`) {
			t.Errorf("condition %+v", p.condition)
		}
	})
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	fill := func(state v1alpha1.DeliveryState, n int) edit {
		return knew(func(s *v1alpha1.NotificationsStatus) {
			s.RunID = runID
			for i := range n {
				s.Deliveries = append(s.Deliveries, v1alpha1.NotificationDelivery{ID: fmt.Sprint(i), Channel: slackKey, Event: "failed", State: state, DecidedAt: at(-n + i), Time: at(-n + i)})
			}
		})
	}
	n := decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultFail, fill(v1alpha1.DeliverySent, 30)))).status
	if len(n.Deliveries) != kept || n.Deliveries[kept-1].ID != "29" {
		t.Errorf("of 30 that were sent %d are kept", len(n.Deliveries))
	}
	n = decide(look(ended(v1alpha1.ResultFail, v1alpha1.ResultFail, fill(v1alpha1.DeliveryPending, 40)))).status
	if got := len(pending(n)); got != maxPending || n.Deliveries[len(n.Deliveries)-1].ID != "39" {
		t.Errorf("of 40 that wait %d do still", got)
	}
}

func TestWhatATestDoesNotNameAnyMoreIsWithdrawn(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }, waiting("failed"), toldOf(slackKey, "failed")),
		func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications.OnFailure = nil })
	n := decide(look(rt)).status
	if d := n.Deliveries[0]; d.State != v1alpha1.DeliveryWithdrawn || len(n.Told) > 0 {
		t.Errorf("got %+v, told %v", d, n.Told)
	}
}

func TestATestThatHasNeverRunHasNothingToTell(t *testing.T) {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", UID: "uid", CreationTimestamp: at(-1)},
		Spec:       v1alpha1.RestoreTestSpec{Schedule: v1alpha1.Schedule{Cron: "0 3 * * *"}, Notifications: &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{slack}}},
	}
	p := decide(look(rt))
	if p.condition.Status != metav1.ConditionTrue || p.condition.Reason != v1alpha1.ReasonNothingToTell || p.status == nil || len(p.status.Deliveries) > 0 {
		t.Errorf("condition %+v, status %+v", p.condition, p.status)
	}
}

func TestARunIsHeldAgainstTheTargetItBeganWith(t *testing.T) {
	// tooSlow gives the run a target; that of the test is gone by now.
	rt := ended(v1alpha1.ResultPass, v1alpha1.ResultPass, tooSlow(true), knew())
	rt.Spec.SLA = nil
	if got := pending(decide(look(rt)).status); !slices.Contains(got, slackKey+": rtoExceeded") {
		t.Errorf("got %v", got)
	}
	rt = ended(v1alpha1.ResultPass, v1alpha1.ResultPass, tooSlow(true), knew(), func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.RTO.WithinSLA = true })
	if got := pending(decide(look(rt)).status); slices.Contains(got, slackKey+": rtoExceeded") {
		t.Errorf("within its target: %v", got)
	}
}

func TestAPassForgetsWhatASearchFound(t *testing.T) {
	n := decide(look(ended(v1alpha1.ResultPass, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.LastGood = "monday" })))).status
	if n.LastGood != "" {
		t.Errorf("the next search that finds %s is no news", n.LastGood)
	}
}

func TestABackupThatWasVerifiedBeforeThereWereRunsCounts(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultFail, knew(func(n *v1alpha1.NotificationsStatus) { n.RunID = runID }), func(rt *v1alpha1.RestoreTest) {
		rt.Status.LastRun.PassedAt = nil
		rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "monday", Time: at(-60)}
	})
	p := decide(look(rt))
	if got := pending(p.status); len(got) > 0 || p.again != 47*time.Hour {
		t.Errorf("got %v, again in %s", got, p.again)
	}
}

func TestWhatAChannelKnowsIsTheLastItWasTold(t *testing.T) {
	n := &v1alpha1.NotificationsStatus{}
	toldOf(slackKey, "failed")(n)
	know(n, &v1alpha1.NotificationDelivery{Channel: slackKey, Event: "partial"})
	if len(n.Told) != 1 || n.Told[0].Event != "partial" {
		t.Errorf("told %v", n.Told)
	}
	// A recovery that waits is as good as told: who passes again recovers nobody.
	rt := ended(v1alpha1.ResultPass, v1alpha1.ResultPass, knew(toldOf(slackKey, "failed"), waiting("recovered")))
	if got := pending(decide(look(rt)).status); !slices.Equal(got, []string{slackKey + ": recovered", pagerKey + ": verified"}) {
		t.Errorf("got %v", got)
	}
}

func TestAConditionOfManyChannelsIsBounded(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Notifications.OnFailure = nil
		for i := range 16 {
			rt.Spec.Notifications.OnFailure = append(rt.Spec.Notifications.OnFailure, v1alpha1.NotificationChannel{Type: "slack", WebhookSecretRef: fmt.Sprintf("hook-%02d", i)})
		}
	})
	if got := decide(look(rt)).condition.Message; !strings.HasSuffix(got, "; 8 more") {
		t.Errorf("condition %q", got)
	}
}

func TestATestThatNamesNoChannelAnyMoreSaysSo(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultPass, knew(), func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications = nil })
	if got := decide(look(rt)).condition.Message; got != "The test names no channel any more" {
		t.Errorf("condition %q", got)
	}
}
