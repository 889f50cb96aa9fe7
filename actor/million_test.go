package actor_test

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
)

var idleActors = flag.Int("idle", 50_000, "how many actors TestIdleMemory keeps alive")

// TestIdleMemory holds what an idle actor costs, all told, to its budget; with
// -idle=1000000 at full size.
func TestIdleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	// The full registry is made for a million: for less, its 32,768 maps dominate.
	sys := newSystem(t, actor.Config{Small: *idleActors < 1_000_000})
	idle := actor.Func(func(*actor.Context[*ball], *ball) error { return nil })
	last := spawnB(t, sys, "", idle)
	before, begun := heap(), time.Now()
	for range *idleActors {
		last = spawnB(t, sys, "", idle)
	}
	spawned := time.Since(begun)
	each := (heap() - before) / uint64(*idleActors)
	begun = time.Now()
	if err := sys.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d actors: %d B each, spawned in %v, stopped in %v", *idleActors, each, spawned, time.Since(begun))
	if each > 400 {
		t.Errorf("an idle actor costs %d B, want at most 400", each)
	}
	runtime.KeepAlive(last)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
