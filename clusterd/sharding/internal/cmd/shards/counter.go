package main

import (
	"encoding/binary"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd/sharding"
)

// counter is an entity that adds up and carries some ballast.
type counter struct {
	id     string
	state  []byte // the sum, then ballast
	pauses *pauses
}

var _ sharding.Mover = (*counter)(nil)

func kindOf(state int, p *pauses) actor.Kind[*wrapperspb.Int64Value] {
	return actor.NewKind("counter", func(id string) actor.Behavior[*wrapperspb.Int64Value] {
		return &counter{id, make([]byte, max(state, 8)), p}
	})
}

// Receive adds.
func (e *counter) Receive(c *actor.Context[*wrapperspb.Int64Value], m *wrapperspb.Int64Value) error {
	sum := int64(binary.LittleEndian.Uint64(e.state)) + m.Value
	binary.LittleEndian.PutUint64(e.state, uint64(sum))
	c.Reply(wrapperspb.Int64(sum))
	return nil
}

// Snapshot is the end at the old home.
func (e *counter) Snapshot() (proto.Message, error) {
	e.pauses.begin(e.id)
	return wrapperspb.Bytes(e.state), nil
}

// Restore is the beginning at the new one.
func (e *counter) Restore(m proto.Message) error {
	e.state = m.(*wrapperspb.BytesValue).GetValue()
	e.pauses.end(e.id)
	return nil
}

// pauses are the times between the end of entities at their old home and their
// beginning at the new one.
type pauses struct {
	mu   sync.Mutex
	open map[string]time.Time
	list []time.Duration
}

func (p *pauses) begin(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[string]time.Time{}
	}
	p.open[id] = time.Now()
}

func (p *pauses) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, time.Since(p.open[id]))
	delete(p.open, id)
}

// take returns the pauses since the last call.
func (p *pauses) take() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.list
	p.list = nil
	return list
}
