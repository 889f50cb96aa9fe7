package actor

import (
	"strings"
)

// Reach says what another node needs to know of a local id to address it. Whoever
// connects nodes asks this for each message that comes in; see [System.Reach].
type Reach uint8

const (
	// ReachNone: the id is reserved, or that of an anonymous actor of another
	// incarnation. Nobody is to be reached at it from outside.
	ReachNone Reach = iota
	// ReachNamed: somebody chose the name, so anybody can guess it. It must be
	// exposed to be reached.
	ReachNamed
	// ReachKnown: whoever knows the id was given it. That is an asker, an actor
	// whose anonymous id holds bits drawn at random, what it spawned below itself,
	// or an id that a service answers for ([System.HandlePrefix]).
	ReachKnown
)

// Reach classifies an id that another node names. It does not tell whether
// somebody is there.
func (s *System) Reach(id string) Reach {
	bare, _, _ := cutUID(id)
	switch {
	case strings.HasPrefix(bare, askPrefix), s.prefixes.find(bare) != nil, s.isAnonymous(bare):
		return ReachKnown
	case strings.HasPrefix(bare, "$"), isInternal(bare):
		return ReachNone
	}
	return ReachNamed
}

// isAnonymous tells whether one part of a path was drawn by this incarnation. The
// id need not be one that exists: only who was told it can name one that does.
func (s *System) isAnonymous(id string) bool {
	if strings.IndexByte(id, '$') < 0 {
		return false
	}
	for part := range strings.SplitSeq(id, "/") {
		if strings.HasPrefix(part, s.anon) {
			return true
		}
	}
	return false
}
