package gossip

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/engine/reach"
)

func nodes(n int) []member.Node {
	list := make([]member.Node, n)
	for i := range list {
		list[i] = member.Node{Address: "n", UID: uint64(i) + 1}
	}
	return list
}

// start returns a strategy of node 0 of n that has just changed.
func start(cfg Config, n int) Strategy {
	all := nodes(n)
	cfg.Self = all[0]
	s := New(cfg)
	s.Aim(func() []member.Node { return all })
	s.Changed(time.Time{}, 7, Facts{Rows: []*reach.Row{{Observer: all[0], Version: 1}}})
	return s
}

func recipients(letters []Letter) []member.Node {
	var to []member.Node
	for _, l := range letters {
		to = append(to, l.To)
	}
	return to
}

func TestStrategiesStop(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, kind := range []Kind{ByMemory, ByRandom, BySeenSet} {
		for _, n := range []int{1, 2, 30, 1000} {
			s := start(Config{Strategy: kind}, n)
			sent := 0
			for range 2000 {
				sent += len(s.Next(time.Time{}, r))
			}
			if most := enough(DefaultFanout, n-1); sent > most || n > 1 && sent == 0 {
				t.Errorf("%s among %d: got %d sends about one digest, want 1 to %d", kind, n, sent, most)
			}
		}
	}
}

func TestMemoryTellsEachPeerOnce(t *testing.T) {
	s, r := start(Config{Strategy: ByMemory}, 6), rand.New(rand.NewPCG(1, 1))
	all := nodes(6)
	s.Heard(time.Time{}, all[2], &Note{Digest: 7}, Facts{})
	s.Heard(time.Time{}, all[3], &Note{Digest: 8}, Facts{}) // another digest: not told
	var told []member.Node
	for range 10 {
		told = append(told, recipients(s.Next(time.Time{}, r))...)
	}
	slices.SortFunc(told, member.Node.Compare)
	if want := []member.Node{all[1], all[3], all[4], all[5]}; !slices.Equal(told, want) {
		t.Errorf("got %v told, want %v", told, want)
	}
	s.Lost(time.Time{}, all[4])
	s.Aim(func() []member.Node { return all[:5] }) // what is known of those that stay, stays
	if got := recipients(s.Next(time.Time{}, r)); !slices.Equal(got, all[4:5]) {
		t.Errorf("after a lost message: got %v, want the peer again", got)
	}
	s.Changed(time.Time{}, 9, Facts{})
	if got := len(s.Next(time.Time{}, r)); got != DefaultFanout {
		t.Errorf("after news: got %d told, want the fan-out", got)
	}
}

func TestSeenSetLearnsWhoKnows(t *testing.T) {
	all := nodes(70)
	a, r := start(Config{Strategy: BySeenSet, Fanout: 1}, 70), rand.New(rand.NewPCG(1, 1))
	b := New(Config{Strategy: BySeenSet, Self: all[66]})
	b.Aim(func() []member.Node { return all })
	b.Changed(time.Time{}, 7, Facts{})
	note := a.Next(time.Time{}, r)[0].Note
	answers := b.Heard(time.Time{}, all[0], &note, Facts{})
	if len(answers) != 1 || answers[0].To != all[0] || !answers[0].Note.Answer {
		t.Fatalf("got %v, want one answer", answers)
	}
	if got := a.Heard(time.Time{}, all[66], &answers[0].Note, Facts{}); got != nil {
		t.Errorf("got %v for an answer, want nothing", got)
	}
	a.Next(time.Time{}, r)
	if s := a.(*SeenSet); !s.seen.has(66) || !s.seen.has(0) || s.seen.count() != 2 {
		t.Errorf("got %b, want both to be known to know", s.seen)
	}
	other := note
	other.Peers++ // of a node that knows of other members
	if got := b.Heard(time.Time{}, all[0], &other, Facts{}); got != nil {
		t.Errorf("got %v for bits of another list, want nothing", got)
	}
}

func TestExtraRoundsWhileFewKnow(t *testing.T) {
	const extra = 50 * time.Millisecond
	for _, kind := range []Kind{ByMemory, ByRandom, BySeenSet} {
		r := rand.New(rand.NewPCG(1, 1))
		s := start(Config{Strategy: kind, Extra: extra}, 1000)
		rounds := 0
		for ; rounds < 100 && !s.Due().IsZero(); rounds++ {
			s.Next(s.Due(), r)
		}
		if rounds < 5 || rounds > 40 {
			t.Errorf("%s: got %d extra rounds, want about as many as half of 1,000 nodes take", kind, rounds)
		}
		if s := start(Config{Strategy: kind}, 1000); !s.Due().IsZero() {
			t.Errorf("%s: got an extra round without being asked for one", kind)
		}
	}
}

func TestKinds(t *testing.T) {
	for i, name := range kinds {
		if k, err := ParseKind(name); err != nil || k != Kind(i) || k.String() != name {
			t.Errorf("%s: got %v, %v", name, k, err)
		}
	}
	if k, err := ParseKind(""); err != nil || k != ByDelegate {
		t.Errorf("no name: got %v, %v, want the default", k, err)
	}
	if _, err := ParseKind("rumour"); err == nil {
		t.Error("got no error for a strategy that does not exist")
	}
}

// TestBusyDelegateLeavesItsNewsToAntiEntropy: a node that has heard many rumours
// in a round begins none, and timers that ring meanwhile do not have it forget
// that. When they did, a thousand nodes that all had news at once sent millions of
// messages.
func TestBusyDelegateLeavesItsNewsToAntiEntropy(t *testing.T) {
	all, r, now := nodes(100), rand.New(rand.NewPCG(1, 1)), time.Unix(0, 0)
	s := New(Config{Self: all[0], Hop: time.Second})
	s.Aim(func() []member.Node { return all })
	begun := func() (count int) {
		s.Changed(now, 7, Facts{Rows: []*reach.Row{{Observer: all[0], Version: 1}}})
		for _, l := range s.Next(now, r) {
			if l.Note.Rumour.Origin == all[0] {
				count++
			}
		}
		return count
	}
	for i := range uint64(busy + 1) {
		s.Heard(now, all[1], &Note{Rumour: Rumour{all[1], i + 1}, Ticket: i + 1, Share: all[2:3]}, Facts{})
	}
	now = s.Due()
	if late := s.CatchUp(now, r); len(late) == 0 {
		t.Fatal("nobody is told again")
	}
	if got := begun(); got != 0 {
		t.Errorf("a busy node sent %d messages of its own news, want none", got)
	}
	if begun() == 0 {
		t.Error("in the next round, without rumours, it sent none of its own news")
	}
}
