package actor

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// Config of a System. The zero value is good for a program of one process.
type Config struct {
	// Name is the cluster's name, as it stands in the texts of refs: 1 to 64
	// letters, digits, dots, dashes and underscores. Empty means "local".
	Name string
	// Address is the host:port at which other nodes reach this system. Empty
	// means that it serves this process only.
	Address string
	// UID is the incarnation of this node; it must grow from one incarnation at
	// an address to the next. Zero means drawn from clock and chance.
	UID uint64
	// Logger gets failures of actors and what protoactor warns of. Nil means
	// slog.Default().
	Logger *slog.Logger
	// Small is for tests, and for programs with many systems: the system starts
	// in microseconds and takes kilobytes, where protoactor's takes 9 ms and 3 MB.
	// All spawning goes through 32 locks in place of 32,768, what protoactor itself
	// would log is dropped, and its Shutdown must not be called. False is right for
	// a node.
	Small bool
	// Dispatcher runs the actors: a *mailbox.Pool that several systems share, or a
	// *mailbox.Inline, which makes a system synchronous. It must outlive the
	// system, which does not close it. Nil means a pool of the system's own.
	Dispatcher pa.Dispatcher
}

// filled returns a copy in which defaults stand for zero values.
func (c Config) filled() Config {
	if c.Name == "" {
		c.Name = "local"
	}
	if c.UID == 0 {
		c.UID = uint64(time.Now().UnixMilli())<<20 | rand.Uint64N(1<<20)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// validate reports all faults at once.
func (c Config) validate() error {
	return errors.Join(validateName(c.Name), validateAddress(c.Address))
}

func validateName(name string) error {
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}
	if len(name) > 64 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("actor: cluster name %q must be 1 to 64 letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

func validateAddress(address string) error {
	switch {
	case address == EntityAddress || address == noHost || strings.HasPrefix(address, "$"):
		return fmt.Errorf("actor: address %q is reserved", address)
	case len(address) > 300 || strings.ContainsFunc(address, notAddress):
		return fmt.Errorf("actor: address %q is not a host:port", address)
	}
	return nil
}

func notAddress(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/@#%?", r) }

// quietLogger is given to protoactor: nothing below Warn passes, so that it is
// silent at start and about what this package reports itself.
func quietLogger(l *slog.Logger) *slog.Logger { return slog.New(&warnHandler{l.Handler()}) }
