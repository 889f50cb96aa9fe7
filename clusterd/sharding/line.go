package sharding

import (
	"sync"
	"sync/atomic"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/clusterd/sharding/internal/shardpb"
)

// seatKey names a slot of a kind.
type seatKey struct {
	kind string
	slot uint16
}

// seatState is how far a slot is on its way.
type seatState uint8

const (
	away    seatState = iota // no token here: messages go to the owner
	here                     // the token is here
	closing                  // the token is here, and what runs is being stopped for a move
	shipped                  // the token is in transit: messages wait
)

// seat is a slot of a kind on this node. It exists while its state is not away
// or something waits in one of its lines.
type seat struct {
	key    seatKey
	state  seatState
	lines  map[string]*line // by id
	waits  int              // messages in the lines
	host   *kindCount       // nil if the kind is not hosted here
	count  atomic.Uint32    // messages handed to entities since the last report
	open   int              // lives that must end before the seat can move
	leaves []*shardpb.Entity
}

// entityState is that of an entity at this node.
type entityState uint8

const (
	idle     entityState = iota // does not run
	starting                    // is being spawned, or waits for the first message
	running
	pausing // has no lease: what its mailbox still holds is being set aside
	paused  // has no lease: its mailbox is empty
	ending  // was told to stop
)

// line is an entity's place on this node: the actor, if it runs here, and the
// messages that wait until it does, or until they can go to its home.
type line struct {
	id       string
	state    entityState
	life     *life           // nil when idle
	restored *shardpb.Entity // the state to start with
	queue    []held          // oldest first
	pumping  bool            // a goroutine works the queue off
	dropped  bool            // what the ending life leaves behind has no receiver
	used     atomic.Uint32   // when the last message came, by the router's clock
	flush    *flush          // of the way that its messages go now; nil = none was needed
}

// held is a message that waits.
type held struct {
	msg   any    // as it came: raw, or an envelope with the asker
	to    target // as it came
	way   *route // that this node knew when it came
	since time.Time
}

// stripe guards some of the slots, of all kinds. Nothing of the user's runs
// under its lock, and nothing is sent to another node.
type stripe struct {
	mu    sync.RWMutex
	seats map[seatKey]*seat
}

// stripes is a power of two.
const stripes = 512

// get returns a seat, made if needed. Callers hold the lock.
func (st *stripe) get(key seatKey, r *router) *seat {
	s := st.seats[key]
	if s == nil {
		s = &seat{key: key, host: r.kinds[key.kind]}
		st.seats[key] = s
	}
	return s
}

// tidy forgets what says nothing. Callers hold the lock.
func (st *stripe) tidy(s *seat, ln *line) {
	if ln != nil && ln.state == idle && len(ln.queue) == 0 && ln.restored == nil && !ln.pumping && ln.flush == nil {
		delete(s.lines, ln.id)
	}
	if s.state == away && len(s.lines) == 0 {
		delete(st.seats, s.key)
	}
}

// line returns an entity's line, made if needed.
func (s *seat) line(id string) *line {
	ln := s.lines[id]
	if ln == nil {
		ln = &line{id: id}
		if s.lines == nil {
			s.lines = map[string]*line{}
		}
		s.lines[id] = ln
	}
	return ln
}

// keep copies an envelope: who made it may use it again once Send has returned.
func keep(msg any) any {
	if env, ok := msg.(*pa.MessageEnvelope); ok {
		return &pa.MessageEnvelope{Header: env.Header, Message: env.Message, Sender: env.Sender}
	}
	return msg
}

// lives tells that the entity runs, or pauses, and was not told to stop.
func (e entityState) lives() bool { return e == running || e == pausing || e == paused }
