package actor

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Routing makes the strategy of one router. RoundRobin, Random, Broadcast and
// SmallestMailbox are Routings, ConsistentHash and ScatterGather return one. It is
// a factory, never an instance: two routers share nothing.
type Routing[M any] func() Strategy[M]

// Strategy says which routees get a message. Only this package implements it.
type Strategy[M any] interface {
	// pick returns an index, or toAll. It is called on the router's goroutine, with
	// one routee at least.
	pick(m M, among []*routee) int
	validate() error
}

// toAll is what pick returns for all routees.
const toAll = -1

// plainly is embedded where there is nothing to validate.
type plainly struct{}

func (plainly) validate() error { return nil }

// RoundRobin gives each routee its turn.
func RoundRobin[M any]() Strategy[M] { return &roundRobin[M]{} }

type roundRobin[M any] struct {
	plainly
	next int
}

func (s *roundRobin[M]) pick(_ M, among []*routee) int {
	i := s.next % len(among)
	s.next = i + 1
	return i
}

// Random draws a routee for each message.
func Random[M any]() Strategy[M] { return random[M]{} }

type random[M any] struct{ plainly }

func (random[M]) pick(_ M, among []*routee) int { return rand.IntN(len(among)) }

// Broadcast gives each message to all routees. Of their answers the first one
// reaches the asker and the others are dead letters: for questions there is
// [ScatterGather].
func Broadcast[M any]() Strategy[M] { return broadcast[M]{} }

type broadcast[M any] struct{ plainly }

func (broadcast[M]) pick(M, []*routee) int { return toAll }

// SmallestMailbox picks the routee for which the fewest messages wait, beside the
// one that it has in hand; equal ones take turns. A mailbox that cannot be seen, such as that of an actor on another
// node, counts as fuller than any other.
func SmallestMailbox[M any]() Strategy[M] { return &smallest[M]{} }

type smallest[M any] struct {
	plainly
	next int
}

func (s *smallest[M]) pick(_ M, among []*routee) int {
	best, least := 0, math.MaxInt
	for i := range among {
		at := (s.next + i) % len(among)
		n := among[at].waiting()
		if i == 0 || n < least {
			best, least = at, n
		}
		if least == 0 {
			break
		}
	}
	s.next = best + 1
	return best
}

// ConsistentHash gives messages with equal keys to the same routee. When one of n
// routees goes, or one more comes, only its n-th share of the keys moves. The
// choice depends on key and refs alone, in a pool on key and size, so it is the
// same after a restart and on other nodes. key must not be nil nor keep m.
func ConsistentHash[M any](key func(m M) string) Routing[M] {
	return func() Strategy[M] { return consistent[M]{key} }
}

// consistent hashes by rendezvous: each routee draws a number for the key, and the
// highest wins. Taking one away leaves the order of the others as it was.
type consistent[M any] struct{ key func(M) string }

func (s consistent[M]) validate() error {
	if s.key == nil {
		return errors.New("actor: ConsistentHash needs a key function")
	}
	return nil
}

func (s consistent[M]) pick(m M, among []*routee) int {
	h := xxhash.Sum64String(s.key(m))
	best, top := 0, uint64(0)
	for i, r := range among {
		if score := mix(h ^ r.hash); i == 0 || score > top {
			best, top = i, score
		}
	}
	return best
}

// ScatterGather gives a question to all routees and its asker the first answer
// that is no failure. If all fail the asker gets what the first one to fail said;
// if some fail and the others say nothing within d, ErrTimeout. A message that
// nobody waits for is broadcast.
func ScatterGather[M any](d time.Duration) Routing[M] {
	return func() Strategy[M] { return scatter[M]{within: d} }
}

type scatter[M any] struct{ within time.Duration }

func (scatter[M]) pick(M, []*routee) int { return toAll }

// gathers tells the router to collect answers.
func (s scatter[M]) gathers() time.Duration { return s.within }

func (s scatter[M]) validate() error {
	if s.within <= 0 {
		return errors.New("actor: ScatterGather needs a positive duration")
	}
	return nil
}
