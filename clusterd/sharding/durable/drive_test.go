package durable

import (
	"testing"

	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
)

// TestLastAcksCountWhenATermEnds: a primary ends its term in the same step in which
// its last command reached its level. Whoever waits for that command is answered,
// not told that the outcome is unknown.
func TestLastAcksCountWhenATermEnds(t *testing.T) {
	svc := &service{cfg: Config{Shards: 1}, address: "a:1"}
	svc.router = newRouter(svc)
	sh, err := newShell(svc, false)
	if err != nil {
		t.Fatal(err)
	}
	svc.shell = sh
	h := &home{svc: svc, news: news{told: true}} // nobody reads them but this test
	l := &sh.locals[0]
	l.home, l.role, l.run, l.open = h, groups.RoleChange{Role: groups.Primary, Term: 2}, 9, 1
	l.told = progress{accepted: 5, applied: 5, quorum: 4}
	sh.carryOut(sh.base, groups.Ready{
		Roles: []groups.RoleChange{{Shard: 0, Role: groups.Replica, Term: 3}},
		Acks:  []groups.Ack{{Shard: 0, ID: 5<<2 | uint64(Quorum), Result: groups.Done}},
	})
	if n := len(h.news.turns); n != 1 || h.news.turns[0].run != 0 {
		t.Fatalf("turns of the home: got %+v, want the end of its run", h.news.turns)
	}
	if got := h.news.turns[0].last.quorum; got != 5 {
		t.Errorf("commands known to be safe at the end: got %d, want 5", got)
	}
	if l.run != 0 || l.open != 0 {
		t.Errorf("after the end: run %d, %d open, want none", l.run, l.open)
	}
}
