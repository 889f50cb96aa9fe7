package sharding

import (
	"errors"
	"fmt"

	"github.com/pando-go/pando/actor"
)

// Reasons why a message for an entity becomes a dead letter. Each also matches
// an error of package actor, which is what an asker on another node can tell.
var (
	// ErrBadID: the id is not 1 to 512 bytes of UTF-8, or the kind's name is
	// not one. Matches actor.ErrNoActor.
	ErrBadID = fmt.Errorf("sharding: not the name of an entity: %w", actor.ErrNoActor)

	// ErrNobody: no member of the cluster hosts the kind, or this node is not
	// in a cluster. Matches actor.ErrNoActor.
	ErrNobody = fmt.Errorf("sharding: no member hosts the kind: %w", actor.ErrNoActor)

	// ErrNoHome: the entity's home was not ready in time, since its slot is on
	// the move or its last holder has not been removed yet. Matches
	// actor.ErrTimeout.
	ErrNoHome = fmt.Errorf("sharding: the entity has no home yet: %w", actor.ErrTimeout)

	// ErrFull: too many messages wait for homes that are not ready. Matches
	// actor.ErrMailboxFull.
	ErrFull = fmt.Errorf("sharding: too many messages wait for a home: %w", actor.ErrMailboxFull)

	// ErrStopped: this node hosts nothing any more, or the entity's home was
	// lost with what waited there. Matches actor.ErrStopped.
	ErrStopped = fmt.Errorf("sharding: the home has stopped: %w", actor.ErrStopped)
)

// ErrNotInstalled is returned by calls on a node without a service of this
// package: add [Host] or [Proxy] to clusterd.Config.Services.
var ErrNotInstalled = errors.New("sharding: not installed on this node")
