package notify

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/notify"
)

// receivers stand for the world outside. answer is asked for each message.
type receivers struct {
	answer func(ctx context.Context, c notify.Channel, m notify.Message) error

	mu   sync.Mutex
	got  []notify.Message
	when []time.Time
}

func (r *receivers) Send(ctx context.Context, c notify.Channel, m notify.Message) error {
	r.mu.Lock()
	r.got, r.when = append(r.got, m), append(r.when, time.Now())
	r.mu.Unlock()
	if r.answer == nil {
		return nil
	}
	return r.answer(ctx, c, m)
}

// ids are those of the messages that came, in order.
func (r *receivers) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, m := range r.got {
		all = append(all, m.ID)
	}
	return all
}

// messages are those that came, in order.
func (r *receivers) messages() []notify.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// stage is a controller at work, in a bubble.
type stage struct {
	*receivers
	t      *testing.T
	client *fake.Clientset
	kube   *kubefake.Clientset
	// installation is for tests that say nothing; log is where the controller logs, nil: nowhere.
	installation Installation
	log          io.Writer
	stop         func()
}

// work starts a controller that sees those tests. Its namespace has the Secrets hook and pager.
func work(t *testing.T, r *receivers, tests ...*v1alpha1.RestoreTest) *stage {
	t.Helper()
	s := set(t, r, tests...)
	s.start()
	return s
}

// set prepares what work starts.
func set(t *testing.T, r *receivers, tests ...*v1alpha1.RestoreTest) *stage {
	t.Helper()
	var objects []runtime.Object
	for _, rt := range tests {
		objects = append(objects, rt)
	}
	var secrets []runtime.Object
	for _, name := range []string{"hook", "pager"} {
		secrets = append(secrets, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}, Data: map[string][]byte{"url": []byte(name), "routing-key": []byte("k"), "other": []byte("no")}})
	}
	return &stage{receivers: r, t: t, client: fake.NewClientset(objects...), kube: kubefake.NewClientset(secrets...)}
}

func (s *stage) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	if s.log != nil {
		ctx = klog.NewContext(ctx, textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&line{to: s.log}), textlogger.Verbosity(10))))
	}
	factory := externalversions.NewSharedInformerFactory(s.client, 0)
	c, err := New(ctx, Options{
		Client: s.client, Secrets: s.kube.CoreV1(), Tests: factory.Restore().V1alpha1().RestoreTests(), Recorder: record.NewFakeRecorder(100),
		Sender: s.receivers, Account: "kymaros-system:kymaros-notify", Deadline: 24 * time.Hour, Dashboard: "https://kymaros.example.org",
		Cluster: notify.Cluster{ID: "cluster"}, Installation: s.installation,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	cacheCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	factory.Start(cacheCtx.Done())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	s.stop = func() { cancel(); <-done; end(); factory.Shutdown() }
}

// line lets the goroutines of a controller write one after the other: a text logger leaves that to its output.
type line struct {
	mu sync.Mutex
	to io.Writer
}

func (l *line) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func (s *stage) test(name string) *v1alpha1.RestoreTest {
	s.t.Helper()
	rt, err := s.client.RestoreV1alpha1().RestoreTests("team").Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return rt
}

// freshTest returns a test whose run has just failed, and that tells slack of it.
func freshTest(name string) *v1alpha1.RestoreTest {
	begun := metav1.NewTime(time.Now().Add(-5 * time.Minute))
	return ended(v1alpha1.ResultFail, v1alpha1.ResultPass, func(rt *v1alpha1.RestoreTest) {
		rt.Name, rt.UID = name, types.UID("uid-"+name)
		rt.CreationTimestamp, rt.Status.LastRunAt, rt.Status.LastRun.PassedAt = begun, &begun, &begun
		rt.Status.LastRun.RunID, rt.Status.Run.ID = name+"-run", name+"-run"
		rt.Status.Cleanup.RunID = name + "-run"
		rt.Status.Notifications = &v1alpha1.NotificationsStatus{RunID: lastID}
	})
}

func delivery(rt *v1alpha1.RestoreTest) v1alpha1.NotificationDelivery {
	if rt.Status.Notifications == nil || len(rt.Status.Notifications.Deliveries) == 0 {
		return v1alpha1.NotificationDelivery{}
	}
	return rt.Status.Notifications.Deliveries[0]
}

func TestAnIntentIsWrittenBeforeTheRequestAndTheOutcomeAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *stage
		r := &receivers{}
		r.answer = func(_ context.Context, c notify.Channel, m notify.Message) error {
			d := delivery(s.test("shop")) //nolint:contextcheck // a look of the test itself
			if d.ID != m.ID || d.State != v1alpha1.DeliveryPending {
				t.Errorf("while it is sent the status has %+v", d)
			}
			if string(c.Secret["url"]) != "hook" || c.Secret["other"] != nil {
				t.Errorf("the receiver got %v", c.Secret)
			}
			if m.URL != "https://kymaros.example.org/reports/team/shop-1" || m.Event != notify.Failed || m.Message != "because" || m.Cluster.ID != "cluster" {
				t.Errorf("the message is %+v", m)
			}
			return nil
		}
		s = work(t, r)
		if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Create(t.Context(), freshTest("shop"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.stop()
		d := delivery(s.test("shop"))
		if len(r.ids()) != 1 || d.State != v1alpha1.DeliverySent || d.Attempts != 1 {
			t.Errorf("%d messages, then %+v", len(r.ids()), d)
		}
		c := meta.FindStatusCondition(s.test("shop").Status.Conditions, v1alpha1.ConditionNotified)
		if c == nil || c.Status != metav1.ConditionTrue || c.Message != "Sent: failed to slack/hook" {
			t.Errorf("condition %+v", c)
		}
	})
}

func TestWhoeverFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := &receivers{answer: func(context.Context, notify.Channel, notify.Message) error { return &notify.SendError{} }}
		s := work(t, r, freshTest("shop"))
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		s.stop()
		d := delivery(s.test("shop"))
		if d.State != v1alpha1.DeliveryUndeliverable {
			t.Errorf("after a day: %+v", d)
		}
		ids := r.ids()
		if len(ids) < 100 {
			t.Fatalf("it was tried %d times", len(ids))
		}
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("it had several ids: %v", slices.Compact(ids))
		}
		for i, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
			if i == 0 {
				continue
			}
			if took := r.when[i].Sub(r.when[i-1]); took < want/2 || took > want+10*time.Millisecond {
				t.Errorf("try %d came %s after the one before, want half of %s to all of it", i+1, took, want)
			}
		}
		for i := 10; i < len(r.when); i++ {
			if took := r.when[i].Sub(r.when[i-1]); took < longestPause/2 || took > longestPause+10*time.Millisecond {
				t.Errorf("try %d came %s after the one before", i+1, took)
			}
		}
		if last := r.when[len(r.when)-1].Sub(begin); last < 23*time.Hour+50*time.Minute || last > 24*time.Hour+time.Minute {
			t.Errorf("the last try was after %s", last)
		}
		writes := 0
		for _, a := range s.client.Actions() {
			if a.Matches("patch", "restoretests") {
				writes++
			}
		}
		if writes > 15 {
			t.Errorf("%d writes for %d tries", writes, len(ids))
		}
	})
}

func TestAReceiverIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var once sync.Once
		r := &receivers{}
		r.answer = func(context.Context, notify.Channel, notify.Message) (err error) {
			once.Do(func() { err = &notify.SendError{RetryAfter: 90 * time.Second} })
			return err
		}
		s := work(t, r, freshTest("shop"), freshTest("web")) // they have the receiver in common
		time.Sleep(time.Hour)
		synctest.Wait()
		s.stop()
		if len(r.when) != 3 || r.when[1].Sub(r.when[0]) < 90*time.Second {
			t.Errorf("requests at %v", r.when)
		}
	})
}

func TestADeadReceiverDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{}
		r.answer = func(_ context.Context, c notify.Channel, _ notify.Message) error {
			if string(c.Secret["url"]) == "hook" {
				return nil
			}
			time.Sleep(10 * time.Minute) // longer than a request may take, so that all who are tried again would like to have a place at once
			return &notify.SendError{}
		}
		var tests []*v1alpha1.RestoreTest
		dead := 2 * (firstTries + retries)
		for i := range dead {
			tests = append(tests, freshTest(fmt.Sprintf("dead-%03d", i)))
			tests[i].Spec.Notifications.OnFailure[0] = v1alpha1.NotificationChannel{Type: "slack", WebhookSecretRef: "pager", Channel: fmt.Sprint(i)}
		}
		s := work(t, r, tests...)
		time.Sleep(3 * time.Hour) // all of them are tried again and again
		begin := time.Now()
		late := freshTest("late")
		if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Create(t.Context(), late, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if d := delivery(s.test("late")); d.State != v1alpha1.DeliverySent {
			t.Errorf("%s after its run %+v", time.Since(begin), d)
		}
		s.stop()
	})
}

func TestWhatIsBeingSentWhenTheProcessEndsIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(ctx context.Context, _ notify.Channel, _ notify.Message) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Second):
				return nil
			}
		}}
		s := work(t, r, freshTest("shop"))
		time.Sleep(time.Second)
		s.stop()
		if d := delivery(s.test("shop")); d.State != v1alpha1.DeliverySent {
			t.Errorf("got %+v", d)
		}
		s.start()
		time.Sleep(time.Hour)
		s.stop()
		if len(r.ids()) != 1 {
			t.Errorf("sent %d times", len(r.ids()))
		}
	})
}

func TestASilenceThatBeginsKeepsBackWhatIsInALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(context.Context, notify.Channel, notify.Message) error { return &notify.SendError{} }}
		s := work(t, r, freshTest("shop"))
		time.Sleep(time.Hour)
		rt := s.test("shop").DeepCopy()
		rt.Annotations = map[string]string{v1alpha1.AnnotationSilenceUntil: time.Now().Add(48 * time.Hour).Format(time.RFC3339)}
		if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Update(t.Context(), rt, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		tries := len(r.ids())
		time.Sleep(47 * time.Hour)
		if got := len(r.ids()); got != tries {
			t.Errorf("%d tries in a silence", got-tries)
		}
		time.Sleep(2 * time.Hour)
		if got := len(r.ids()); got == tries {
			t.Error("none after it, though it still holds")
		}
		s.stop()
	})
}

// touch changes a test, so that it is looked at.
func (s *stage) touch(name string, change edit) {
	s.t.Helper()
	rt := s.test(name).DeepCopy()
	change(rt)
	if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Update(s.t.Context(), rt, metav1.UpdateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatIsBeingSentIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(context.Context, notify.Channel, notify.Message) error { time.Sleep(5 * time.Second); return nil }}
		s := work(t, r, freshTest("shop"))
		for i := range 4 {
			time.Sleep(time.Second)
			s.touch("shop", func(rt *v1alpha1.RestoreTest) { rt.Annotations = map[string]string{"n": fmt.Sprint(i)} })
		}
		time.Sleep(time.Minute)
		s.stop()
		if n := len(r.ids()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestAChannelIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{}
		r.answer = func(context.Context, notify.Channel, notify.Message) error {
			if len(r.ids()) == 1 {
				return &notify.SendError{RetryAfter: time.Minute}
			}
			return nil
		}
		rt := freshTest("shop")
		rt.Status.Notifications.Deliveries = []v1alpha1.NotificationDelivery{{
			ID: "earlier", Channel: slackKey, Event: v1alpha1.NotifyPartial, State: v1alpha1.DeliveryPending, Attempts: 5,
			DecidedAt: metav1.Now(), Time: metav1.Now(), Facts: &v1alpha1.NotificationFacts{RunID: lastID, Time: metav1.Now()},
		}}
		s := work(t, r, rt)
		time.Sleep(time.Hour)
		s.stop()
		if ids := r.ids(); len(ids) != 3 || ids[0] != "earlier" || ids[1] != "earlier" {
			t.Errorf("sent %v", ids)
		}
		if d := delivery(s.test("shop")); d.State != v1alpha1.DeliverySent || d.Attempts != 7 {
			t.Errorf("after five attempts of the process before: %+v", d)
		}
	})
}

func TestNobodyIsToldOfATestThatIsBeingDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(context.Context, notify.Channel, notify.Message) error { return &notify.SendError{} }}
		rt := freshTest("shop")
		rt.Finalizers = []string{"example.org/stays"}
		s := work(t, r, rt)
		time.Sleep(time.Hour)
		s.touch("shop", func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = new(metav1.Now()) })
		synctest.Wait()
		tries := len(r.ids())
		time.Sleep(time.Hour)
		s.stop()
		if n := len(r.ids()); n != tries || tries == 0 {
			t.Errorf("%d tries before, and %d after", tries, n-tries)
		}
	})
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	a := attempts{all: map[types.UID]map[string]*attempt{}}
	a.start("uid", "one", 0, time.Now())
	a.start("uid", "two", 0, time.Now())
	a.keep("uid", map[string]bool{"two": true})
	if len(a.all["uid"]) != 1 || a.all["uid"]["two"] == nil {
		t.Errorf("kept %v", a.all)
	}
	a.keep("uid", nil)
	if len(a.all) != 0 {
		t.Errorf("kept %v", a.all)
	}
}

func TestWhatIsInALaneIsLookedAtAgainWhenItsTurnHasCome(t *testing.T) {
	for name, change := range map[string]edit{
		"a silence has begun": func(rt *v1alpha1.RestoreTest) {
			rt.Annotations = map[string]string{v1alpha1.AnnotationSilenceUntil: time.Now().Add(time.Hour).Format(time.RFC3339)}
		},
		"the test is being deleted":          func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = new(metav1.Now()) },
		"the test names the channel no more": func(rt *v1alpha1.RestoreTest) { rt.Spec.Notifications.OnFailure = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &receivers{}
				r.answer = func(context.Context, notify.Channel, notify.Message) error {
					if len(r.ids()) == 1 {
						return &notify.SendError{RetryAfter: time.Minute}
					}
					return nil
				}
				shop, web := freshTest("shop"), freshTest("web") // they have the receiver in common
				shop.Finalizers, web.Finalizers = []string{"example.org/stays"}, []string{"example.org/stays"}
				s := work(t, r, shop, web)
				time.Sleep(10 * time.Second)
				second := map[string]string{"shop": "web", "web": "shop"}[r.messages()[0].Test.Name]
				s.touch(second, change)
				time.Sleep(30 * time.Minute)
				if got := r.messages(); len(got) != 2 || got[1].Test.Name == second {
					t.Errorf("%s was told of: %v", second, r.ids())
				}
				time.Sleep(time.Hour)
				s.stop()
				if again := len(r.messages()) == 3; again != (name == "a silence has begun") {
					t.Errorf("an hour later %v were told", r.ids())
				}
			})
		})
	}
}
