package gossip

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// audience is what the strategies that draw their peers at random have in
// common: the nodes, whom not to draw, and the pace.
type audience struct {
	cfg    Config
	nodes  []member.Node // all, this one too
	digest uint64
	told   bitset // of indices of nodes; this one counts as told
	count  int    // how many are told
	sent   int    // since the digest changed
	rounds int    // since the digest changed
	due    time.Time
}

// aim takes over what is known of the nodes that stay.
func (a *audience) aim(all func() []member.Node) {
	nodes := all()
	told := newBitset(len(nodes))
	for i, n := range nodes {
		if j, ok := a.find(n); n == a.cfg.Self || ok && a.told.has(j) {
			told.add(i)
		}
	}
	a.nodes, a.told, a.count = nodes, told, told.count()
}

func (a *audience) find(n member.Node) (int, bool) {
	return slices.BinarySearchFunc(a.nodes, n, member.Node.Compare)
}

// renew forgets who was told, since there is something new, and reports
// whether that is so.
func (a *audience) renew(digest uint64) bool {
	if digest == a.digest {
		return false
	}
	a.digest, a.sent, a.rounds, a.count = digest, 0, 0, 0
	clear(a.told)
	a.mark(a.cfg.Self)
	return true
}

func (a *audience) mark(n member.Node) {
	if i, ok := a.find(n); ok && !a.told.has(i) {
		a.told.add(i)
		a.count++
	}
}

func (a *audience) forget(n member.Node) {
	if i, ok := a.find(n); ok && a.told.has(i) {
		a.told.drop(i)
		a.count--
	}
}

// rest is how many more messages the stop rule allows.
func (a *audience) rest() int {
	if a.cfg.Endless {
		return len(a.nodes)
	}
	return enough(a.cfg.Fanout, len(a.nodes)-1) - a.sent
}

// draw picks up to n nodes, each at most once, evenly among those that are not
// told. It tells nobody.
func (a *audience) draw(n int, r *rand.Rand) []int {
	free := len(a.nodes) - a.count
	n = min(n, free)
	if n <= 0 {
		return nil
	}
	drawn := make([]int, 0, n)
	if free < len(a.nodes)/2 || n*2 > free { // guessing would take too long
		list := make([]int, 0, free)
		for i := range a.nodes {
			if !a.told.has(i) {
				list = append(list, i)
			}
		}
		for i := range n {
			j := i + r.IntN(len(list)-i)
			list[i], list[j] = list[j], list[i]
		}
		return append(drawn, list[:n]...)
	}
	for len(drawn) < n {
		if i := r.IntN(len(a.nodes)); !a.told.has(i) && !slices.Contains(drawn, i) {
			drawn = append(drawn, i)
		}
	}
	return drawn
}

// pace notes a round, and when the next one is due while few have seen the
// change: until they can be half of the cluster.
func (a *audience) pace(now time.Time, sent int, few bool) {
	a.sent += sent
	a.rounds++
	a.due = time.Time{}
	if a.cfg.Extra > 0 && few && sent > 0 {
		a.due = now.Add(a.cfg.Extra)
	}
}

// few reports whether fewer than half of the nodes can have seen the change.
func (a *audience) few() bool { return a.rounds+1 < steps(a.cfg.Fanout, len(a.nodes)) }

// hurry has the first round of a change come early.
func (a *audience) hurry(now time.Time) {
	if a.cfg.Extra > 0 && a.due.IsZero() && len(a.nodes) > 1 {
		a.due = now.Add(a.cfg.Extra)
	}
}

// letters addresses the latest news to peers.
func (a *audience) letters(drawn []int, note func() Note) []Letter {
	var letters []Letter
	for _, i := range drawn {
		letters = append(letters, Letter{To: a.nodes[i], Latest: true, Note: note()})
	}
	return letters
}
