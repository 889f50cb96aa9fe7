package actor

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Kind is what other nodes may start by name: remote spawn, sharding, singletons.
// M must be a proto.Message, an interface that embeds it, or a type with a codec.
type Kind[M any] struct {
	// Name is the same on all nodes: 1 to 128 bytes without '/', '#' and '$'.
	Name string
	// New makes the behavior of the actor with this id.
	New func(id string) Behavior[M]
}

// NewKind returns a Kind.
func NewKind[M any](name string, new func(id string) Behavior[M]) Kind[M] {
	return Kind[M]{Name: name, New: new}
}

// AnyKind is a Kind[M] of any M.
type AnyKind interface {
	// KindName is the kind's Name.
	KindName() string
	validate() error
	spawn(s *System, id, name string) (*pa.PID, error)
}

// KindName is the kind's Name.
func (k Kind[M]) KindName() string { return k.Name }

func (k Kind[M]) validate() error {
	if k.Name == "" || len(k.Name) > 128 || strings.ContainsAny(k.Name, "/#$") {
		return fmt.Errorf("%w: kind %q", ErrBadName, k.Name)
	}
	if k.New == nil {
		return fmt.Errorf("actor: kind %q has no constructor", k.Name)
	}
	return nil
}

func (k Kind[M]) spawn(s *System, id, name string) (*pa.PID, error) {
	return spawnIn(s, name, func() Behavior[M] { return k.New(id) }, nil)
}

type kindTable struct {
	mu sync.RWMutex
	m  map[string]AnyKind
}

// Register makes kinds known, so that [System.SpawnKind] can start them. All
// faults are reported at once: ErrNameTaken for a name that is registered already,
// ErrBadName; the faultless ones are registered nevertheless.
func (s *System) Register(kinds ...AnyKind) error {
	s.kinds.mu.Lock()
	defer s.kinds.mu.Unlock()
	if s.kinds.m == nil {
		s.kinds.m = map[string]AnyKind{}
	}
	var errs []error
	for _, k := range kinds {
		if err := s.kinds.add(k); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (t *kindTable) add(k AnyKind) error {
	if err := k.validate(); err != nil {
		return err
	}
	if _, ok := t.m[k.KindName()]; ok {
		return fmt.Errorf("register kind %q: %w", k.KindName(), ErrNameTaken)
	}
	t.m[k.KindName()] = k
	return nil
}

// SpawnKind starts an actor of a registered kind, whose constructor gets id, under
// a name, which may begin with '$' here; "" draws one. For remote and services.
// Errors: ErrUnknownKind, ErrNameTaken, ErrBadName, ErrStopped when the system is
// closed, *SpawnError for a constructor that panicked.
func (s *System) SpawnKind(kind, id, name string) (*pa.PID, error) {
	s.kinds.mu.RLock()
	k := s.kinds.m[kind]
	s.kinds.mu.RUnlock()
	if k == nil {
		return nil, fmt.Errorf("spawn %q: %w: %q", name, ErrUnknownKind, kind)
	}
	if err := validID(name); err != nil {
		return nil, err
	}
	return k.spawn(s, id, name)
}
