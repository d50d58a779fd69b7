package dns

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	hog    = "10.0.1.1" // a pod of run hog
	victim = "10.0.2.1" // a pod of run victim
	late   = "10.0.3.1" // that of the pod of run late, once it is known
	nobody = "10.0.9.9" // of no pod
)

// neighbours are the sandboxes of three runs, each with a pod. The address of the last pod is not known.
func neighbours() []runtime.Object {
	return []runtime.Object{
		namespace("sbx-hog", "data", "hog"), in("sbx-hog", clusterIP("db", "10.96.0.1")), pod("sbx-hog", hog, corev1.PodRunning),
		namespace("sbx-victim", "data", "victim"), in("sbx-victim", clusterIP("db", "10.96.0.2")), pod("sbx-victim", victim, corev1.PodRunning),
		namespace("sbx-late", "data", "late"), in("sbx-late", clusterIP("db", "10.96.0.3")), pod("sbx-late", "", corev1.PodPending),
	}
}

// known has the API server learn the address of run late's pod.
func (w *wire) known(t *testing.T) {
	t.Helper()
	if _, err := w.kube.CoreV1().Pods("sbx-late").Update(t.Context(), pod("sbx-late", late, corev1.PodRunning), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// answered fails t unless there is one answer, with records.
func answered(t *testing.T, got []dnsmessage.Header) {
	t.Helper()
	if len(got) != 1 || got[0].RCode != dnsmessage.RCodeSuccess || got[0].Truncated {
		t.Errorf("answers %v, want one with an address", got)
	}
}

// TestNobodyTakesTheAnswersOfAnotherRun has somebody take all the connections that they can get, and ask without end.
func TestNobodyTakesTheAnswersOfAnotherRun(t *testing.T) {
	for name, greedy := range map[string]string{"a pod of another run": hog, "an address that is no pod's": nobody} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := serveOnWire(t, neighbours()...)
				var taken []net.Conn
				for range 2 * maxConnections {
					taken = append(taken, w.open(t, greedy))
				}
				if !ask(t, w.open(t, victim)) {
					t.Error("the victim has no answer by TCP")
				}
				w.send(t, greedy, 20*perSecond)
				w.send(t, victim, 1)
				answered(t, w.answers(victim))

				w.send(t, late, 1)
				byTCP := w.open(t, late)
				if got := w.answers(late); len(got) > 0 {
					t.Errorf("answers %v before the pod is known", got)
				}
				w.known(t)
				answered(t, w.answers(late))
				if !ask(t, byTCP) {
					t.Error("the late pod has no answer by TCP")
				}
				if n := stillOpen(taken); n != maxConnections/2 {
					t.Errorf("%d connections are left to who came first, want %d", n, maxConnections/2)
				}
			})
		})
	}
}

// TestWhoAsksWithoutEndIsAnsweredNowAndThen counts answers to datagrams of one pod.
func TestWhoAsksWithoutEndIsAnsweredNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serveOnWire(t, neighbours()...)
		for range 3 {
			w.send(t, hog, 2*perSecond)
			if n := len(w.answers(hog)); n != perSecond {
				t.Errorf("%d answers in a second, want %d", n, perSecond)
			}
			w.send(t, victim, 1)
			answered(t, w.answers(victim))
			time.Sleep(time.Second) // of the bubble
		}
	})
}

// TestWhatIsBeyondAShareIsNotAnsweredUntilThereIsRoom: a client that is refused may give up, one that hears nothing asks again.
func TestWhatIsBeyondAShareIsNotAnsweredUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serveOnWire(t, neighbours()...)
		for range 2 {
			w.send(t, nobody, perSecond)
			if n := len(w.answers(nobody)); n > 0 {
				t.Errorf("%d answers at once", n)
			}
			time.Sleep(patience) // of the bubble
			if n := len(w.answers(nobody)); n != maxWaiting/2 {
				t.Errorf("%d answers to who is no pod, want %d", n, maxWaiting/2)
			}
		}
	})
}

func TestThePodsOfARunHaveOneShareOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := neighbours()
		const pods = 4
		for i := range pods {
			p := pod("sbx-hog", fmt.Sprintf("10.0.1.%d", 10+i), corev1.PodRunning)
			p.Name = fmt.Sprintf("pod-%d", i)
			objects = append(objects, p)
		}
		w := serveOnWire(t, objects...)
		for range 2 {
			var taken []net.Conn
			for i := range pods {
				for range maxConnections / 2 {
					taken = append(taken, w.open(t, fmt.Sprintf("10.0.1.%d", 10+i)))
				}
			}
			if n := stillOpen(taken); n != maxConnections/2 {
				t.Errorf("%d connections, want %d", n, maxConnections/2)
			}
			for _, c := range taken {
				_ = c.Close()
			}
			synctest.Wait()
		}
	})
}

// TestConnectionsFromBeforeAPodWasKnownCountForItsRun: or else a run with many pods would have a share for each.
func TestConnectionsFromBeforeAPodWasKnownCountForItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serveOnWire(t, neighbours()...)
		const pods = 8
		var taken []net.Conn
		for i := range pods {
			for range maxConnections / (2 * pods) {
				taken = append(taken, w.open(t, fmt.Sprintf("10.0.1.%d", 10+i)))
			}
		}
		for range maxConnections / 2 {
			taken = append(taken, w.open(t, hog))
		}
		before := stillOpen(taken)
		for i := range pods {
			p := pod("sbx-hog", fmt.Sprintf("10.0.1.%d", 10+i), corev1.PodRunning)
			p.Name = fmt.Sprintf("pod-%d", i)
			if _, err := w.kube.CoreV1().Pods("sbx-hog").Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		kept := 0
		for _, c := range taken {
			if ask(t, c) {
				kept++
			}
		}
		if before <= maxConnections/2 || kept > maxConnections/2 || kept < maxConnections/4 {
			t.Errorf("%d connections before the pods were known, and then %d of %d", before, kept, maxConnections)
		}
	})
}

func TestThereIsAPlaceForWhoComesNext(t *testing.T) {
	of := func(n int) party { return party{address: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})} }
	s := newShares(100)
	var all []*place
	for greedy, want := range []int{50, 25, 13, 6, 3} {
		n := 0
		for p := s.take(of(greedy)); p != nil; p = s.take(of(greedy)) {
			all = append(all, p)
			n++
		}
		if n != want {
			t.Errorf("party %d got %d places, want %d", greedy, n, want)
		}
	}
	if all[0].pass(of(1)) || all[0].by != of(0) {
		t.Error("a party gets beyond its share what another passes on")
	}
	if !all[0].pass(of(0)) || s.held[of(0)] != 50 {
		t.Error("a party does not keep its place when others have taken theirs")
	}
	if !all[0].pass(of(5)) || all[0].by != of(5) {
		t.Error("a party without a place does not get what another passes on")
	}
	for _, p := range all {
		p.leave()
	}
	if s.free != 100 || len(s.held) != 0 {
		t.Errorf("%d places are free when all were left, and %v holds some", s.free, s.held)
	}
}

func TestForgedAddressesTakeNoMemory(t *testing.T) {
	p, now := newPace(), time.Now()
	for i := range 2 * maxPaced {
		if !p.allows(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now) {
			t.Fatal("the first datagram of an address is dropped")
		}
	}
	if len(p.counted) > maxPaced {
		t.Errorf("%d addresses are counted", len(p.counted))
	}
}
