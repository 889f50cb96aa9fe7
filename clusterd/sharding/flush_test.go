package sharding

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/slots"
)

// Nodes that await nothing send numbered messages while entities move, there and
// back: each entity gets them all, in order from each node, once.
func TestOrderOfThirdSenders(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		p := w.start("p:1", proxy{})
		slow := func(x, y string) {
			w.net.Slow(x, y, 20*time.Millisecond)
			w.net.Slow(y, x, 20*time.Millisecond)
		}
		// Answers between a and b take their time, so that what is forwarded is
		// slower than what is sent straight.
		slow("a:1", "b:1")
		w.decide(0)
		w.settle()
		const rooms = 24
		each := race.Less(1200, 700)
		senders := []*fakeNode{p, a, b}
		var wg sync.WaitGroup
		for k, n := range senders {
			wg.Go(func() {
				for i := range each {
					for r := range rooms {
						ref(n, room, fmt.Sprint("room", r)).Tell(wrapperspb.String(fmt.Sprintf("%d-%d", k, i)))
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		c := w.start("c:1", hosting(room)...)
		slow("a:1", "c:1")
		slow("b:1", "c:1")
		w.decide(5 * time.Millisecond)
		time.Sleep(500 * time.Millisecond)
		if n := stats(c).Kinds[0].Entities; n == 0 {
			t.Error("nothing has moved to the newcomer")
		}
		wg.Wait()
		w.settle()
		for r := range rooms {
			lines := strings.Split(w.ask(ref(a, room, fmt.Sprint("room", r)), "read"), ",")
			next := make([]int, len(senders))
			for _, line := range lines {
				var k, i int
				fmt.Sscanf(line, "%d-%d", &k, &i)
				if i != next[k] {
					t.Fatalf("room %d: message %d of %s comes where %d should", r, i, senders[k].self, next[k])
				}
				next[k]++
			}
			if len(lines) != len(senders)*each {
				t.Errorf("room %d has %d messages, want %d", r, len(lines), len(senders)*each)
			}
		}
		if n := p.attached.(*service).router.flushes.last.Load(); n == 0 {
			t.Error("no marker was sent")
		}
	})
}

// Who sends a message under an old idea of its home is told.
func TestOldIdeaIsCorrected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.start("a:1", hosting(room)...)
		b := w.start("b:1", hosting(room)...)
		p := w.start("p:1", proxy{})
		w.decide(0)
		w.settle()
		id := w.idAt(b, "room", 0)
		slot := slots.Of(id)
		sent := p.attached.(*service).router
		way, _ := sent.routes.owner("room", slot)
		for _, c := range []struct {
			name string
			way  *route
			told *fakeNode // who ought to correct; nil = nobody
		}{
			{"right", way, nil},
			{"the right node under an older epoch", &route{to: b.self, epoch: way.epoch - 1, used: new(atomic.Bool)}, b},
			{"the wrong node", &route{to: a.self, epoch: way.epoch - 1, used: new(atomic.Bool)}, a},
		} {
			sent.routes.table("room")[slot].Store(c.way)
			before := map[*fakeNode]uint64{a: stats(a).Corrected, b: stats(b).Corrected}
			w.ask(ref(p, room, id), c.name)
			for _, n := range []*fakeNode{a, b} {
				want := uint64(0)
				if n == c.told {
					want = 1
				}
				if got := stats(n).Corrected - before[n]; got != want {
					t.Errorf("%s: %s corrects %d, want %d", c.name, n.self, got, want)
				}
			}
			w.settle()
		}
	})
}
