package actor

import (
	"log/slog"
	"strconv"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"
	"github.com/asynkron/protoactor-go/extensions"
	cmap "github.com/orcaman/concurrent-map"
)

// newProto makes the protoactor system of a System.
func newProto(cfg Config) *pa.ActorSystem {
	var ps *pa.ActorSystem
	if cfg.Small {
		ps = smallProto(cfg.UID)
	} else {
		ps = fullProto(quietLogger(cfg.Logger))
	}
	// protoactor's own subscribers are left behind: they log dead letters through a
	// throttle whose goroutine outlives the system, and tell askers nothing of the
	// reason. What else they do, onDeadLetter does.
	ps.EventStream = eventstream.NewEventStream()
	if cfg.Address != "" {
		ps.ProcessRegistry.Address = cfg.Address
	}
	// protoactor's own anonymous ids get the incarnation's salt this way.
	ps.ProcessRegistry.SequenceID = mix(cfg.UID) &^ (1<<32 - 1)
	return ps
}

func fullProto(quiet *slog.Logger) *pa.ActorSystem {
	return pa.NewActorSystem(
		pa.WithLoggerFactory(func(*pa.ActorSystem) *slog.Logger { return quiet }),
		pa.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// silent is a protoactor system of which small ones are copies: its unexported
// fields cannot be set from outside. It is never changed, nor shut down.
var silent = sync.OnceValue(func() pa.ActorSystem {
	return *fullProto(slog.New(slog.DiscardHandler))
})

// smallProto does what pa.NewActorSystem does, with one bucket in the registry in
// place of 1024, which is where that one's 9 ms and 3 MB go.
func smallProto(uid uint64) *pa.ActorSystem {
	ps := silent()
	ps.ID = strconv.FormatUint(uid, 36)
	ps.ProcessRegistry = &pa.ProcessRegistryValue{
		ActorSystem: &ps,
		Address:     noHost,
		LocalPIDs:   &pa.SliceMap{LocalPIDs: []cmap.ConcurrentMap{cmap.New()}},
	}
	ps.Root = pa.NewRootContext(&ps, pa.EmptyMessageHeader)
	ps.Guardians = pa.NewGuardians(&ps)
	ps.EventStream = eventstream.NewEventStream()
	ps.DeadLetter = pa.NewDeadLetter(&ps)
	ps.Extensions = extensions.NewExtensions()
	ps.Extensions.Register(pa.NewMetrics(&ps, nil))
	ps.ProcessRegistry.Add(pa.NewEventStreamProcess(&ps), "eventstream")
	return &ps
}
