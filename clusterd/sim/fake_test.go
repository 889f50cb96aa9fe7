package sim

import (
	"errors"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

var errRefused = errors.New("fake: refused")

// fake is a machine that only talks: every tenth of a second it sends a packet
// to each seed. Tests set what it shows.
type fake struct {
	cfg    core.Config
	next   time.Time
	ready  core.Ready
	snap   engine.Snapshot
	holds  engine.Inspection
	inputs []core.Input
	ticks  int
	refuse bool // every Step
	stuck  bool // asks for a Tick at once, always
	quiet  bool // sends nothing
}

func (f *fake) Step(now time.Time, in core.Input) error {
	f.inputs = append(f.inputs, in)
	if f.refuse {
		return errRefused
	}
	return nil
}

func (f *fake) Tick(now time.Time) {
	f.ticks++
	if now.Before(f.next) {
		return
	}
	f.next = now.Add(100 * time.Millisecond)
	if f.stuck {
		f.next = now
	}
	for _, address := range f.cfg.Seeds {
		if address != f.cfg.Self.Address && !f.quiet {
			f.send(member.Node{Address: address})
		}
	}
}

func (f *fake) send(to member.Node) {
	f.ready.Packets = append(f.ready.Packets, &core.Packet{From: f.cfg.Self, To: to})
}

func (f *fake) Ready() core.Ready {
	rd := f.ready
	rd.Wake = f.next
	f.ready = core.Ready{}
	return rd
}

func (f *fake) Snapshot() engine.Snapshot       { return f.snap }
func (f *fake) Outline() engine.Snapshot        { return f.snap }
func (f *fake) Lease() engine.Lease             { return f.snap.Lease }
func (f *fake) InspectViews() engine.Inspection { return f.holds }

// count returns how many inputs of type T came.
func count[T core.Input](f *fake) (n int) {
	for _, in := range f.inputs {
		if _, ok := in.(T); ok {
			n++
		}
	}
	return n
}

func newFake(c core.Config) (Machine, error) { return &fake{cfg: c}, nil }

// fakes returns a world of fakes, and how to get at them.
func fakes(cfg Config) (*Sim, func(id int) *fake) {
	cfg.New = newFake
	s := New(cfg)
	return s, func(id int) *fake { return s.node(id).machine.(*fake) }
}
