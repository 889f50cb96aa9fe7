package clusterd

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/pando-go/pando/clusterd/engine"
)

func leaderIs(address string) engine.Event { return engine.LeaderChanged{Leader: address} }

// leaders reads every event into the leader that it names, "snapshot:" before
// a snapshot's.
func leaders(events iter.Seq[engine.Event]) []string {
	var got []string
	for e := range events {
		switch e := e.(type) {
		case engine.Snapshot:
			got = append(got, "snapshot:"+e.Leader)
		case engine.LeaderChanged:
			got = append(got, e.Leader)
		}
	}
	return got
}

func TestEventsAreASnapshotThenChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(engine.Snapshot{})
		h.publish([]engine.Event{leaderIs("a")}, engine.Snapshot{Leader: "a"})
		var got []string
		go func() { got = leaders(h.events(t.Context())) }()
		synctest.Wait()
		h.publish([]engine.Event{leaderIs("b"), leaderIs("c")}, engine.Snapshot{Leader: "c"})
		synctest.Wait()
		h.publish([]engine.Event{leaderIs("d")}, engine.Snapshot{Leader: "d"})
		h.end()
		synctest.Wait()
		if want := []string{"snapshot:a", "b", "c", "d"}; !slices.Equal(got, want) {
			t.Errorf("events = %q, want %q", got, want)
		}
	})
}

func TestSlowReaderGetsANewSnapshot(t *testing.T) {
	h := newHub(engine.Snapshot{})
	next, stop := iter.Pull(h.events(t.Context()))
	defer stop()
	next()
	for range eventLimit + 1 {
		h.publish([]engine.Event{leaderIs("x")}, engine.Snapshot{Leader: "newest"})
	}
	h.publish([]engine.Event{leaderIs("y")}, engine.Snapshot{Leader: "y"})
	first, _ := next()
	if s, ok := first.(engine.Snapshot); !ok || s.Leader != "newest" {
		t.Errorf("first event after the lag = %v, want the newest snapshot", first)
	}
	second, _ := next()
	if second != leaderIs("y") {
		t.Errorf("second event = %v, want %v", second, leaderIs("y"))
	}
}

func TestEventsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(engine.Snapshot{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		go func() {
			leaders(h.events(ctx))
			ended = true
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !ended || len(h.readers) != 0 {
			t.Errorf("ended = %v, readers = %d, want true, 0", ended, len(h.readers))
		}
	})
}
