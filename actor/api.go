// Package actor: see ../shared api; declarations that others build against.
package actor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/pando-go/pando/mailbox"
)

type Config struct {
	Name    string       // cluster name, as it stands in the texts of refs; "" = "local"
	Address string       // host:port at which other nodes reach this system; "" = this process only
	UID     uint64       // incarnation of this node; 0 = drawn from clock and random
	Logger  *slog.Logger // nil = slog.Default()
}
type System struct{}

func NewSystem(cfg Config) (*System, error)                 { panic("todo") }
func Adopt(ps *pa.ActorSystem, cfg Config) (*System, error) { panic("todo") }
func (s *System) Proto() *pa.ActorSystem                    { panic("todo") }
func (s *System) Name() string                              { panic("todo") }
func (s *System) Address() string                           { panic("todo") }
func (s *System) UID() uint64                               { panic("todo") }
func (s *System) Log() *slog.Logger                         { panic("todo") }
func (s *System) Close(ctx context.Context) error           { panic("todo") }
func (s *System) spawner()                                  {}

// --- seams for remote and sharding (not for applications) ---

// Deliver hands in a user message that came from another node, for the local
// actor id. Ids "$ask/<corr>" are answers; prefixes registered with
// HandlePrefix go there; what cannot arrive is a dead letter with its reason.
// from may be nil. Never blocks on user code.
func (s *System) Deliver(id string, from *pa.PID, msg any) { panic("todo") }

// HandlePrefix routes inbound and local messages for ids that begin with
// prefix ("$entity/") to p. Call before traffic.
func (s *System) HandlePrefix(prefix string, p pa.Process) { panic("todo") }

// Portable returns the address and id under which other nodes can answer pid:
// local senders get this node's address, asks become "$ask/<corr>".
func (s *System) Portable(pid *pa.PID) (address, id string) { panic("todo") }

// NodeRemoved ends the asks that wait for an answer of that node with ErrNodeRemoved.
func (s *System) NodeRemoved(address string, uid uint64) { panic("todo") }

// DeadLetter publishes an undeliverable message with its reason, counts it,
// and tells the asker, if from is one, the matching *AskError.
func (s *System) DeadLetter(to, from *pa.PID, msg any, reason error) { panic("todo") }

// DeadLetter is published on Proto().EventStream for each undeliverable message.
type DeadLetter struct {
	To, From *pa.PID
	Message  any
	Reason   error
}

// Sender is what Ref.Send uses when the process behind a ref has bounded room
// (the remote peer process implements it).
type Sender interface {
	SendWait(ctx context.Context, to *pa.PID, msg any) error
}

// AnyKind is a Kind[M] of any M; sealed.
type AnyKind interface {
	KindName() string
	anyKind()
}

func (s *System) Register(kinds ...AnyKind) error                  { panic("todo") } // ErrNameTaken for a duplicate
func (s *System) SpawnKind(kind, id, name string) (*pa.PID, error) { panic("todo") } // ErrUnknownKind, ErrNameTaken, *SpawnError for a panicking constructor

// --- public API ---

type Addressable interface{ PID() *pa.PID }
type Ref[M any] struct {
	_   [0]func()
	pid *pa.PID
	sys *System
}

func (r Ref[M]) Tell(m M)                                    { panic("todo") }
func (r Ref[M]) Send(ctx context.Context, m M) error         { panic("todo") }
func (r Ref[M]) With(m M) Envelope                           { panic("todo") }
func (r Ref[M]) String() string                              { panic("todo") }
func (r Ref[M]) PID() *pa.PID                                { panic("todo") }
func (r Ref[M]) IsZero() bool                                { panic("todo") }
func RefOf[M any](s *System, pid *pa.PID) Ref[M]             { panic("todo") }
func EntityRef[M any](s *System, kind, id string) Ref[M]     { panic("todo") } // PID{Address: EntityAddress, Id: kind + "/" + id}
func ParseRef[M any](s *System, text string) (Ref[M], error) { panic("todo") }

// EntityAddress is the PID address of entity refs: valid on every node.
const EntityAddress = "pando"

type Envelope struct {
	to  *pa.PID
	sys *System
	msg any
}

func Ask[R any](ctx context.Context, e Envelope) (R, error) { panic("todo") }
func AskThen[R, M any](c *Context[M], e Envelope, d time.Duration, then func(R, error) M) {
	panic("todo")
}
func Go[T, M any](c *Context[M], work func(context.Context) (T, error), then func(T, error) M) {
	panic("todo")
}

type Behavior[M any] interface {
	Receive(c *Context[M], m M) error
}
type Starter[M any] interface{ Started(c *Context[M]) error }
type Stopper[M any] interface {
	Stopped(c *Context[M], cause error)
}
type Watcher[M any] interface {
	Terminated(c *Context[M], who Gone) error
}
type Gone struct {
	PID *pa.PID
	Ref string
	Why error
} // Why: nil = stopped, ErrNodeRemoved, ErrNoActor
type Kind[M any] struct {
	Name string
	New  func(id string) Behavior[M]
}

func NewKind[M any](name string, new func(id string) Behavior[M]) Kind[M] { return Kind[M]{name, new} }
func (k Kind[M]) KindName() string                                        { return k.Name }
func (k Kind[M]) anyKind()                                                {}
func Func[M any](f func(*Context[M], M) error) func() Behavior[M]         { panic("todo") }

type Spawner interface{ spawner() }
type SpawnOption interface{ spawnOption() }

func Spawn[M any](in Spawner, name string, new func() Behavior[M], opts ...SpawnOption) (Ref[M], error) {
	panic("todo")
}
func Props[M any](new func() Behavior[M], opts ...SpawnOption) *pa.Props { panic("todo") }
func Stop(ctx context.Context, who Addressable) error                    { panic("todo") }
func WithMailbox(p mailbox.Producer) SpawnOption                         { panic("todo") }

type Context[M any] struct{ self Ref[M] }

func (c *Context[M]) spawner()                         {}
func (c *Context[M]) Self() Ref[M]                     { panic("todo") }
func (c *Context[M]) System() *System                  { panic("todo") }
func (c *Context[M]) Log() *slog.Logger                { panic("todo") }
func (c *Context[M]) Context() context.Context         { panic("todo") }
func (c *Context[M]) Proto() pa.Context                { panic("todo") }
func (c *Context[M]) Reply(answer any)                 { panic("todo") }
func (c *Context[M]) Fail(err error)                   { panic("todo") }
func (c *Context[M]) Replier() Replier                 { panic("todo") }
func (c *Context[M]) Forward(to Ref[M])                { panic("todo") }
func (c *Context[M]) Watch(who Addressable)            { panic("todo") }
func (c *Context[M]) Unwatch(who Addressable)          { panic("todo") }
func (c *Context[M]) After(d time.Duration, m M) Timer { panic("todo") }
func (c *Context[M]) Every(d time.Duration, m M) Timer { panic("todo") }
func (c *Context[M]) Stop()                            { panic("todo") }

type Timer struct{}

func (t Timer) Stop() {}

type Replier struct{}

func (r Replier) Reply(answer any) {}
func (r Replier) Fail(err error)   {}

var (
	ErrNoActor     = errors.New("actor: no such actor")
	ErrStopped     = errors.New("actor: stopped")
	ErrMailboxFull = errors.New("actor: mailbox full")
	ErrNodeRemoved = errors.New("actor: node was removed from the cluster")
	ErrTimeout     = errors.New("actor: no answer in time")
	ErrNameTaken   = errors.New("actor: name is taken")
	ErrUnknownKind = errors.New("actor: kind is not registered")
	ErrNotPortable = errors.New("actor: message cannot be sent to another node")
)

type AskError struct {
	Ref string
	Err error
}

func (e *AskError) Error() string { return e.Ref + ": " + e.Err.Error() }
func (e *AskError) Unwrap() error { return e.Err }

type AnswerTypeError struct{ Ref, Got, Want string }

func (e *AnswerTypeError) Error() string { return e.Ref }

type Failure struct{ Code, Text string }

func (e *Failure) Error() string { return e.Text }
