package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	_ "github.com/pando-go/pando/examples/peerbench/internal/protoconflict" // before two runtimes
)

// Message is what all actors are sent, always by pointer. It has 64 bytes.
type Message struct {
	Seq  uint64
	Text [56]byte
}

// askLimit is how long an ask may take where the API wants to know.
const askLimit = 10 * time.Second

// Runtime is one actor runtime, started and ready, with logging off.
type Runtime interface {
	// Counter returns how to spawn actors that call got for each message.
	Counter(got func(*Message), use use) spawn
	// Echo spawns an actor that answers each ask with the message asked.
	Echo() (Actor, error)
	// Bounce spawns two actors that throw what the first is sent back and forth,
	// and returns the first. It calls again at each message, and does not throw
	// when that is false.
	Bounce(again func() bool) (Actor, error)
	// Outside calls f, in the calling goroutine or, where only actors can ask, in
	// one. Where an ask need not have a time-out, it gets limit; 0 means none.
	Outside(limit time.Duration, f func(ask) error) error
	// Close stops the runtime, its actors and its goroutines as far as it can.
	Close() error
}

// Actor is one actor of a Runtime, as code outside actors sees it.
type Actor interface {
	// Tell sends m. An error or a loss fails the workload.
	Tell(m *Message) error
	// Stop lets the actor handle what is queued, and returns when it has stopped.
	Stop() error
}

// spawn starts one more actor of a kind.
type spawn func() (Actor, error)

// ask sends m to an echo and waits for the answer, within the lifetime of ctx
// where the runtime heeds one.
type ask func(ctx context.Context, to Actor, m *Message) (any, error)

// use is what an actor is spawned for, where that changes a good configuration.
type use int

const (
	busy use = iota // one actor gets very many messages
	many            // many actors get few messages each
)

// peer is an entry of the list of runtimes.
type peer struct {
	name   string // as in -peers
	title  string // as in the tables
	module string // whose version is reported
	start  func() (Runtime, error)
}

// peers are the runtimes in the order of the tables; Pando is the first.
func peers() []peer {
	return []peer{
		{"pando", "Pando", "github.com/pando-go/pando", startPando},
		{"protoactor", "protoactor-go", "github.com/asynkron/protoactor-go", startProtoactor},
		{"goakt", "goakt", "github.com/tochemey/goakt/v4", startGoakt},
		{"hollywood", "hollywood", "github.com/anthdm/hollywood", startHollywood},
		{"ergo", "ergo", "ergo.services/ergo", startErgo},
	}
}

func findPeer(name string) (peer, error) {
	for _, p := range peers() {
		if p.name == name {
			return p, nil
		}
	}
	return peer{}, fmt.Errorf("no runtime is called %q", name)
}

// version is the version of p that is linked, "" if that is not known.
func (p peer) version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path != p.module {
			continue
		}
		if m.Replace != nil {
			return m.Replace.Version // "" for a folder: this tree
		}
		return m.Version
	}
	return ""
}
