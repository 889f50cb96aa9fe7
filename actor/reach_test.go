package actor_test

import (
	"strings"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
)

func TestReach(t *testing.T) {
	sys := newSystem(t, actor.Config{Small: true, UID: 7})
	other := newSystem(t, actor.Config{Small: true, UID: 8})
	sys.HandlePrefix("$entity/", deaf{})
	still := actor.Func(func(*actor.Context[*ball], *ball) error { return nil })
	mine := spawnB(t, sys, "", still).PID().Id
	theirs := spawnB(t, other, "", still).PID().Id
	for _, tt := range []struct {
		id   string
		want actor.Reach
	}{
		{"$ask/1x", actor.ReachKnown},
		{"$entity/room/go", actor.ReachKnown},
		{mine, actor.ReachKnown},
		{mine + "#7", actor.ReachKnown},
		{mine + "/child", actor.ReachKnown},
		{"worker/" + mine, actor.ReachKnown},
		{"worker", actor.ReachNamed},
		{"worker/child", actor.ReachNamed},
		{"worker#7", actor.ReachNamed},
		{"", actor.ReachNamed},
		{theirs, actor.ReachNone},
		{"$guardian", actor.ReachNone},
		{"$guardian#7", actor.ReachNone},
		{"$entities", actor.ReachNone},
		{"deadletter", actor.ReachNone},
		{"eventstream", actor.ReachNone},
		{"guardian$1", actor.ReachNone},
	} {
		if got := sys.Reach(tt.id); got != tt.want {
			t.Errorf("Reach(%q) = %d, want %d", tt.id, got, tt.want)
		}
	}
}

// deaf is a service that does nothing.
type deaf struct{}

func (deaf) SendUserMessage(*pa.PID, any)   {}
func (deaf) SendSystemMessage(*pa.PID, any) {}
func (deaf) Stop(*pa.PID)                   {}

// The id of an anonymous actor cannot be derived from that of the one before it.
func TestAnonymousIdsAreNotGuessed(t *testing.T) {
	sys := newSystem(t, actor.Config{Small: true, UID: 7})
	still := actor.Func(func(*actor.Context[*ball], *ball) error { return nil })
	tails := map[string]bool{}
	for range 100 {
		id := spawnB(t, sys, "", still).PID().Id
		tails[id[strings.IndexByte(id, '.')+2:]] = true // without the first digit of the number
	}
	if len(tails) != 100 {
		t.Errorf("got %d different random parts of 100", len(tails))
	}
}
