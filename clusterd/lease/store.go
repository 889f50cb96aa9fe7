package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
)

// Store grants one lease. Its methods may be called from any goroutine; an error
// that is none of this package means that nobody knows what came of the call.
type Store interface {
	// Acquire takes the lease for owner, where nobody holds it or owner does
	// already. The lease lasts for ttl after the call began. It returns a
	// *HeldError while somebody else may hold it.
	Acquire(ctx context.Context, owner string, ttl time.Duration) (Grant, error)
	// Renew lets the lease last for ttl after the call began, and stores a note
	// with it, in one step. It returns ErrLost if owner does not hold it.
	Renew(ctx context.Context, owner string, ttl time.Duration, note string) (Grant, error)
	// Release gives the lease up, if owner holds it. The note stays.
	Release(ctx context.Context, owner string) error
}

// Grant is what a holder learns.
type Grant struct {
	Number uint64 // grows with each change of the holder; 1 for the first
	Note   string // the newest that a holder stored; "" = none
}

// Majority is the downing strategy lease-majority with its lease, for
// clusterd.Config.Downing. All nodes need the same TTL, and Stores of the same
// Register.
type Majority struct {
	downing.LeaseMajority
	Store Store // required
}

// Record is what a Register holds.
type Record struct {
	Owner    string        // who holds the lease; "" = nobody
	Number   uint64        // grows with each change of the holder
	Sequence uint64        // grows with each change of the record; 0 = there is none yet
	TTL      time.Duration // how long the holder means to hold it
	Note     string        // at most MaxText bytes
	Version  string        // for the Register alone, which may tell records apart by it
}

// MaxText is how long Owner and Note of a record may be, in bytes.
const MaxText = 1024

// Register holds one record. Its methods may be called from any goroutine.
type Register interface {
	// Load returns the record; the zero Record if there is none yet.
	Load(ctx context.Context) (Record, error)
	// Swap replaces the record that Load returned as old. It returns ErrConflict,
	// wrapped or not, and changes nothing if the record is another one by now.
	Swap(ctx context.Context, old, next Record) error
}

// New returns a Store that keeps its lease in a register.
func New(r Register) Store { return &keeper{register: r} }

// drift is ρ: by how much the rate of a clock may be wrong.
const drift = 0.05

// keeper is a Store over a Register.
type keeper struct {
	register Register

	mu    sync.Mutex
	seen  Record    // the newest that was loaded
	since time.Time // when it was first seen as it is
}

// load loads the record and notes since when it is as it is.
func (k *keeper) load(ctx context.Context) (r Record, unchanged time.Duration, err error) {
	if r, err = k.register.Load(ctx); err != nil {
		return Record{}, 0, fmt.Errorf("lease: load: %w", err)
	}
	if len(r.Owner) > MaxText || len(r.Note) > MaxText || r.TTL < 0 || r.Number >= 1<<31 {
		return Record{}, 0, ErrBadRecord
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now() // after the answer: it is no older than that
	if r.Sequence != k.seen.Sequence || r.Owner != k.seen.Owner || k.since.IsZero() {
		k.seen, k.since = r, now
	}
	return r, now.Sub(k.since), nil
}

func (k *keeper) Acquire(ctx context.Context, owner string, ttl time.Duration) (Grant, error) {
	old, unchanged, err := k.load(ctx)
	if err != nil {
		return Grant{}, err
	}
	if old.Owner != "" && old.Owner != owner {
		// The holder's clock may be slow, and this one fast.
		wait := time.Duration(float64(old.TTL) * (1 + drift) / (1 - drift))
		if unchanged < wait {
			return Grant{}, &HeldError{Owner: old.Owner, For: wait - unchanged}
		}
	}
	next := old
	if old.Owner != owner {
		next.Owner, next.Number = owner, old.Number+1
	}
	next.TTL = ttl
	err = k.swap(ctx, old, next)
	if errors.Is(err, ErrConflict) {
		return Grant{}, &HeldError{Owner: "somebody who was faster", For: ttl}
	}
	return Grant{next.Number, next.Note}, err
}

func (k *keeper) Renew(ctx context.Context, owner string, ttl time.Duration, note string) (Grant, error) {
	if len(note) > MaxText {
		return Grant{}, fmt.Errorf("%w: a note of %d bytes, at most %d", ErrBadRecord, len(note), MaxText)
	}
	old, _, err := k.load(ctx)
	switch {
	case err != nil:
		return Grant{}, err
	case old.Owner != owner:
		return Grant{}, ErrLost
	}
	next := old
	next.TTL, next.Note = ttl, note
	err = k.swap(ctx, old, next)
	if errors.Is(err, ErrConflict) { // only who took it away writes while this owner does not
		err = ErrLost
	}
	return Grant{next.Number, next.Note}, err
}

func (k *keeper) Release(ctx context.Context, owner string) error {
	old, _, err := k.load(ctx)
	if err != nil || old.Owner != owner {
		return err
	}
	next := old
	next.Owner = ""
	if err = k.swap(ctx, old, next); errors.Is(err, ErrConflict) {
		return nil // it is somebody else's by now
	}
	return err
}

func (k *keeper) swap(ctx context.Context, old, next Record) error {
	next.Sequence = old.Sequence + 1
	if err := k.register.Swap(ctx, old, next); err != nil {
		return fmt.Errorf("lease: swap: %w", err)
	}
	return nil
}
