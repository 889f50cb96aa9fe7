package core_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// end returns the cause for which an incarnation ended, "" while it has not.
func (n *node) end() string {
	i := slices.IndexFunc(n.events, func(e engine.Event) bool { _, ok := e.(engine.SelfRemoved); return ok })
	if i < 0 {
		return ""
	}
	return n.events[i].(engine.SelfRemoved).Cause
}

// c is stopped while the others remove it, and all of them restart, one after the
// other: nobody whom it knows is left when it wakes.
func TestRemovedAndNobodyLeftToTellIt(t *testing.T) {
	const d = "127.0.0.1:7004"
	p := newPump(t)
	seeds := []string{a, b}
	for _, address := range []string{a, b, c, d} {
		p.up(address, seeds)
	}
	p.until(5*time.Second, "together", p.together)
	n := p.nodes[c]
	delete(p.nodes, c)
	p.until(10*time.Second, "without c", p.together)
	for _, address := range []string{a, b, d} {
		p.up(address, seeds)
		p.until(20*time.Second, "restarted", p.together)
	}
	p.nodes[c] = n
	n.Tick(p.now)
	p.drain(n)
	p.until(10*time.Second, "c knows", func() bool { return n.end() != "" })
	if got := n.end(); got != "unreachable" {
		t.Errorf("got %q, want the cause of the removal", got)
	}
	p.run(time.Second)
	if rd := n.Ready(); len(rd.Packets)+len(rd.Events) > 0 || !rd.Wake.IsZero() {
		t.Errorf("got %+v after the end, want nothing", rd)
	}
	delete(p.nodes, c)
	p.until(time.Second, "the others as before", p.together)
}

// Two of three restart at once; c can never decide anything again, and ends.
func TestMostRestart(t *testing.T) {
	p := newPump(t)
	seeds := []string{a, b}
	for _, address := range []string{a, b, c} {
		p.up(address, seeds)
	}
	p.until(5*time.Second, "together", p.together)
	id, n := p.nodes[c].Snapshot().Identity, p.nodes[c]
	p.up(a, seeds)
	p.up(b, seeds)
	p.until(10*time.Second, "c gives up", func() bool { return n.end() != "" })
	if got := n.end(); got != "cluster lost" {
		t.Errorf("got %q, want the cluster lost", got)
	}
	if !slices.ContainsFunc(n.notes, func(n core.Note) bool { return n.Text != "" && !n.Refused }) {
		t.Error("got no note that says why")
	}
	p.up(c, seeds)
	p.until(5*time.Second, "together again", p.together)
	if got := p.nodes[c].Snapshot().Identity; got == id {
		t.Error("got the identity of the lost cluster")
	}
}
