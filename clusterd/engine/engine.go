// Package engine is the pure membership core of one node.
package engine

import (
	"errors"
	"time"
)

// Engine is the membership core of one node.
type Engine struct{ cfg Config }

// Ready is what there is to do for the caller of an engine.
type Ready struct {
	Messages []*Message // to send, in order
	Events   []Event    // to publish, in order
	Wake     time.Time  // when Tick is due; zero = not before the next input
}

var errTodo = errors.New("engine: not written yet")

// New returns an engine that has not joined a cluster.
func New(cfg Config) (*Engine, error) { return &Engine{cfg: cfg}, nil }

// Step takes one input. An error means refused and unchanged.
func (e *Engine) Step(now time.Time, in Input) error { return errTodo }

// Tick tells that time has passed.
func (e *Engine) Tick(now time.Time) {}

// Ready hands over what there is to do, and forgets it.
func (e *Engine) Ready() Ready { return Ready{} }

// Snapshot returns what this node knows of its cluster.
func (e *Engine) Snapshot() Snapshot { return Snapshot{Self: e.cfg.Self} }

// Standing returns what the join machine needs to know.
func (e *Engine) Standing() Standing { return Standing{} }

// Inspect returns what invariants look at.
func (e *Engine) Inspect() Inspection { return Inspection{} }
